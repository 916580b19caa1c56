/* Instead of the C library's <sys/sysmacros.h>, whose macros call functions of C. */
#ifndef _SYS_SYSMACROS_H
#define _SYS_SYSMACROS_H 1
#define major(device) getmajor(device)
#define minor(device) getminor(device)
#endif
