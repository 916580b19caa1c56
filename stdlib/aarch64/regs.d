/*
 * Registers of the process, uregs[] (manual, chapter "User Process Tracing", "uregs[] Array"): those
 * with which the thread left user mode (struct pt_regs, arch/arm64/include/asm/ptrace.h).
 */
inline int R_X0 = 0;
#pragma D attributes Stable/Stable/ISA R_X0
inline int R_X1 = 1;
#pragma D attributes Stable/Stable/ISA R_X1
inline int R_X2 = 2;
#pragma D attributes Stable/Stable/ISA R_X2
inline int R_X3 = 3;
#pragma D attributes Stable/Stable/ISA R_X3
inline int R_X4 = 4;
#pragma D attributes Stable/Stable/ISA R_X4
inline int R_X5 = 5;
#pragma D attributes Stable/Stable/ISA R_X5
inline int R_X6 = 6;
#pragma D attributes Stable/Stable/ISA R_X6
inline int R_X7 = 7;
#pragma D attributes Stable/Stable/ISA R_X7
inline int R_X8 = 8;
#pragma D attributes Stable/Stable/ISA R_X8
inline int R_X9 = 9;
#pragma D attributes Stable/Stable/ISA R_X9
inline int R_X10 = 10;
#pragma D attributes Stable/Stable/ISA R_X10
inline int R_X11 = 11;
#pragma D attributes Stable/Stable/ISA R_X11
inline int R_X12 = 12;
#pragma D attributes Stable/Stable/ISA R_X12
inline int R_X13 = 13;
#pragma D attributes Stable/Stable/ISA R_X13
inline int R_X14 = 14;
#pragma D attributes Stable/Stable/ISA R_X14
inline int R_X15 = 15;
#pragma D attributes Stable/Stable/ISA R_X15
inline int R_X16 = 16;
#pragma D attributes Stable/Stable/ISA R_X16
inline int R_X17 = 17;
#pragma D attributes Stable/Stable/ISA R_X17
inline int R_X18 = 18;
#pragma D attributes Stable/Stable/ISA R_X18
inline int R_X19 = 19;
#pragma D attributes Stable/Stable/ISA R_X19
inline int R_X20 = 20;
#pragma D attributes Stable/Stable/ISA R_X20
inline int R_X21 = 21;
#pragma D attributes Stable/Stable/ISA R_X21
inline int R_X22 = 22;
#pragma D attributes Stable/Stable/ISA R_X22
inline int R_X23 = 23;
#pragma D attributes Stable/Stable/ISA R_X23
inline int R_X24 = 24;
#pragma D attributes Stable/Stable/ISA R_X24
inline int R_X25 = 25;
#pragma D attributes Stable/Stable/ISA R_X25
inline int R_X26 = 26;
#pragma D attributes Stable/Stable/ISA R_X26
inline int R_X27 = 27;
#pragma D attributes Stable/Stable/ISA R_X27
inline int R_X28 = 28;
#pragma D attributes Stable/Stable/ISA R_X28
inline int R_X29 = 29;
#pragma D attributes Stable/Stable/ISA R_X29
inline int R_X30 = 30;
#pragma D attributes Stable/Stable/ISA R_X30
inline int R_SP = 31;
#pragma D attributes Stable/Stable/ISA R_SP
inline int R_PC = 32;
#pragma D attributes Stable/Stable/ISA R_PC
inline int R_PSTATE = 33;
#pragma D attributes Stable/Stable/ISA R_PSTATE

/* Names that serve every processor. */
inline int R_PS = R_PSTATE;
#pragma D attributes Stable/Stable/ISA R_PS
inline int R_FP = R_X29;
#pragma D attributes Stable/Stable/ISA R_FP
inline int R_LR = R_X30;
#pragma D attributes Stable/Stable/ISA R_LR
inline int R_R0 = R_X0;
#pragma D attributes Stable/Stable/ISA R_R0
inline int R_R1 = R_X1;
#pragma D attributes Stable/Stable/ISA R_R1

/* A register that is not there is an invalid address. */
inline uint64_t uregs[int n] = n < 0 || n > R_PSTATE ? *(uint64_t *)0 :
    *(uint64_t *)(__user_registers() + 8 * (uint64_t)n);
#pragma D attributes Stable/Stable/ISA uregs

/*
 * The number of the thread's system call, -1 in an interrupt or a fault of the program: what
 * follows R_PSTATE and orig_x0 in struct pt_regs.
 */
inline int __system_call = *(int *)(__user_registers() + 8 * (uint64_t)(R_PSTATE + 2));
