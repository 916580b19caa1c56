/* For systems without the C library's <sys/sem.h>: its types and values are known to D without it. */
