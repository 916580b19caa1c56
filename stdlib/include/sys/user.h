/* For systems without the C library's <sys/user.h>: its types and values are known to D without it. */
