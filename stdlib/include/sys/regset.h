/* On Linux this is <sys/ucontext.h>. */
#include <sys/ucontext.h>
