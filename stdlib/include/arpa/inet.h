/* For systems without the C library's <arpa/inet.h>: its types and values are known to D without it. */
