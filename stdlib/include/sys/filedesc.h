/* On Linux this is <sys/types.h>. */
#include <sys/types.h>
