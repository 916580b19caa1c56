/* For systems without the C library's <poll.h>: its types and values are known to D without it. */
