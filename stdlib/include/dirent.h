/* For systems without the C library's <dirent.h>: its types and values are known to D without it. */
