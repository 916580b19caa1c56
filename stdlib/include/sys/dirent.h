/* On Linux this is <dirent.h>. */
#include <dirent.h>
