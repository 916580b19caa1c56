/* For systems without the C library's <stdio.h>: its types and values are known to D without it. */
