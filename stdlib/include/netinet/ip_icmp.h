/* For systems without the C library's <netinet/ip_icmp.h>: its types and values are known to D without it. */
