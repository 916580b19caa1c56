/* For systems without the C library's <netinet/udp.h>: its types and values are known to D without it. */
