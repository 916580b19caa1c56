/* What the machine is, as Solaris tells it. */
#ifndef _SYS_ISA_DEFS_H
#define _SYS_ISA_DEFS_H
#define _LP64 1
#define _LITTLE_ENDIAN 1
#define _CHAR_ALIGNMENT 1
#define _SHORT_ALIGNMENT 2
#define _INT_ALIGNMENT 4
#define _LONG_ALIGNMENT 8
#define _POINTER_ALIGNMENT 8
#endif
