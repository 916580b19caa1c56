/* On Linux this is <stdint.h>. */
#include <stdint.h>
