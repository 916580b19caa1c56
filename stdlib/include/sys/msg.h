/* For systems without the C library's <sys/msg.h>: its types and values are known to D without it. */
