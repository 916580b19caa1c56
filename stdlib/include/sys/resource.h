/* For systems without the C library's <sys/resource.h>: its types and values are known to D without it. */
