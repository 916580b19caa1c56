/* For systems without the C library's <fcntl.h>: its types and values are known to D without it. */
