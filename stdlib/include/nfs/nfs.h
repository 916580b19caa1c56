/* For systems without the C library's <nfs/nfs.h>: its types and values are known to D without it. */
