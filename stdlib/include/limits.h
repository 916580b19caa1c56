/* For systems without the C library. */
#define INT_MAX 2147483647
#define UINT_MAX 4294967295U
#define LONG_MAX 9223372036854775807L
#define PATH_MAX 4096
#define NAME_MAX 255
