/* For systems without the C library's <math.h>: its types and values are known to D without it. */
