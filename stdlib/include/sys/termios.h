/* On Linux this is <termios.h>. */
#include <termios.h>
