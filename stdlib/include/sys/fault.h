/* Machine faults: args[0] of proc:::fault. */
#ifndef _SYS_FAULT_H
#define _SYS_FAULT_H
#define FLTILL 1 /* illegal instruction */
#define FLTPRIV 2 /* privileged instruction */
#define FLTBPT 3 /* breakpoint */
#define FLTTRACE 4 /* single step */
#define FLTACCESS 5 /* memory access */
#define FLTBOUNDS 6 /* memory bounds */
#define FLTIOVF 7 /* integer overflow */
#define FLTIZDIV 8 /* integer division by zero */
#define FLTFPE 9 /* floating-point exception */
#define FLTSTACK 10 /* unrecoverable stack fault */
#define FLTPAGE 11 /* recoverable page fault */
#define FLTWATCH 12 /* watchpoint */
#define FLTCPCOVF 13 /* counter overflow */
#endif
