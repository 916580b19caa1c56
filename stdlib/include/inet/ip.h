/* On Linux this is <netinet/ip.h>. */
#include <netinet/ip.h>
