/* For systems without the C library's <netinet/in_systm.h>: its types and values are known to D without it. */
