/* On Linux this is <netinet/tcp.h>. */
#include <netinet/tcp.h>
