/*
 * Memory mappings: mmap(2), as x86-64 and aarch64 have them.
 */


/* Protection */
inline int PROT_NONE = 0;
#pragma D attributes Stable/Stable/Common PROT_NONE
inline int PROT_READ = 1;
#pragma D attributes Stable/Stable/Common PROT_READ
inline int PROT_WRITE = 2;
#pragma D attributes Stable/Stable/Common PROT_WRITE
inline int PROT_EXEC = 4;
#pragma D attributes Stable/Stable/Common PROT_EXEC

/* Kinds of mapping */
inline int MAP_SHARED = 1;
#pragma D attributes Stable/Stable/Common MAP_SHARED
inline int MAP_PRIVATE = 2;
#pragma D attributes Stable/Stable/Common MAP_PRIVATE
inline int MAP_SHARED_VALIDATE = 3;
#pragma D attributes Stable/Stable/Common MAP_SHARED_VALIDATE
inline int MAP_TYPE = 15;
#pragma D attributes Stable/Stable/Common MAP_TYPE
inline int MAP_FIXED = 16;
#pragma D attributes Stable/Stable/Common MAP_FIXED
inline int MAP_ANONYMOUS = 32;
#pragma D attributes Stable/Stable/Common MAP_ANONYMOUS
inline int MAP_ANON = 32;
#pragma D attributes Stable/Stable/Common MAP_ANON
inline int MAP_GROWSDOWN = 256;
#pragma D attributes Stable/Stable/Common MAP_GROWSDOWN
inline int MAP_DENYWRITE = 2048;
#pragma D attributes Stable/Stable/Common MAP_DENYWRITE
inline int MAP_EXECUTABLE = 4096;
#pragma D attributes Stable/Stable/Common MAP_EXECUTABLE
inline int MAP_LOCKED = 8192;
#pragma D attributes Stable/Stable/Common MAP_LOCKED
inline int MAP_NORESERVE = 16384;
#pragma D attributes Stable/Stable/Common MAP_NORESERVE
inline int MAP_POPULATE = 32768;
#pragma D attributes Stable/Stable/Common MAP_POPULATE
inline int MAP_NONBLOCK = 65536;
#pragma D attributes Stable/Stable/Common MAP_NONBLOCK
inline int MAP_STACK = 131072;
#pragma D attributes Stable/Stable/Common MAP_STACK
inline int MAP_HUGETLB = 262144;
#pragma D attributes Stable/Stable/Common MAP_HUGETLB
inline int MAP_SYNC = 524288;
#pragma D attributes Stable/Stable/Common MAP_SYNC
inline int MAP_FIXED_NOREPLACE = 1048576;
#pragma D attributes Stable/Stable/Common MAP_FIXED_NOREPLACE
