/* On Linux this is <netinet/udp.h>. */
#include <netinet/udp.h>
