/* For systems without the C library's <unistd.h>: its types and values are known to D without it. */
