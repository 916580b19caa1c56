/* On Linux this is <limits.h>. */
#include <limits.h>
