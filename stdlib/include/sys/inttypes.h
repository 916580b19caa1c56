/* On Linux this is <inttypes.h>. */
#include <inttypes.h>
