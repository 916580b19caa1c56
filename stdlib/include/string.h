/* For systems without the C library's <string.h>: its types and values are known to D without it. */
