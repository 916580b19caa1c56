/* For systems without the C library's <net/if.h>: its types and values are known to D without it. */
