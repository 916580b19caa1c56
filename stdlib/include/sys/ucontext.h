/* For systems without the C library's <sys/ucontext.h>: its types and values are known to D without it. */
