/* For systems without the C library's <stdlib.h>: its types and values are known to D without it. */
