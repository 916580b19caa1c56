/* For systems without the C library's <sys/param.h>. */
#ifndef _SYS_PARAM_H
#define _SYS_PARAM_H 1
#define MAXPATHLEN 4096
#define MAXHOSTNAMELEN 64
#define NBBY 8
#define DEV_BSIZE 512
#define PAGESIZE 4096
#endif
