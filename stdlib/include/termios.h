/* For systems without the C library's <termios.h>: its types and values are known to D without it. */
