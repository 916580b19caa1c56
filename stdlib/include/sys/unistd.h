/* On Linux this is <unistd.h>. */
#include <unistd.h>
