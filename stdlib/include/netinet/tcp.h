/* For systems without the C library's <netinet/tcp.h>: its types and values are known to D without it. */
