/* ntohs() and its kin are functions of D. */
#include <sys/isa_defs.h>
