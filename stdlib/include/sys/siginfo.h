/* On Linux this is <signal.h>. */
#include <signal.h>
