/*
 * Registers of the process, uregs[] (manual, chapter "User Process Tracing", "uregs[] Array"): those
 * with which the thread left user mode.  The numbers are those of sys/regset.h.  R_ERR holds the
 * number of the system call, negative in an interrupt (orig_ax of asm/ptrace.h).
 */
inline int R_R15 = 0;
#pragma D attributes Stable/Stable/ISA R_R15
inline int R_R14 = 1;
#pragma D attributes Stable/Stable/ISA R_R14
inline int R_R13 = 2;
#pragma D attributes Stable/Stable/ISA R_R13
inline int R_R12 = 3;
#pragma D attributes Stable/Stable/ISA R_R12
inline int R_R11 = 4;
#pragma D attributes Stable/Stable/ISA R_R11
inline int R_R10 = 5;
#pragma D attributes Stable/Stable/ISA R_R10
inline int R_R9 = 6;
#pragma D attributes Stable/Stable/ISA R_R9
inline int R_R8 = 7;
#pragma D attributes Stable/Stable/ISA R_R8
inline int R_RDI = 8;
#pragma D attributes Stable/Stable/ISA R_RDI
inline int R_RSI = 9;
#pragma D attributes Stable/Stable/ISA R_RSI
inline int R_RBP = 10;
#pragma D attributes Stable/Stable/ISA R_RBP
inline int R_RBX = 11;
#pragma D attributes Stable/Stable/ISA R_RBX
inline int R_RDX = 12;
#pragma D attributes Stable/Stable/ISA R_RDX
inline int R_RCX = 13;
#pragma D attributes Stable/Stable/ISA R_RCX
inline int R_RAX = 14;
#pragma D attributes Stable/Stable/ISA R_RAX
inline int R_ERR = 16;
#pragma D attributes Stable/Stable/ISA R_ERR
inline int R_RIP = 17;
#pragma D attributes Stable/Stable/ISA R_RIP
inline int R_CS = 18;
#pragma D attributes Stable/Stable/ISA R_CS
inline int R_RFL = 19;
#pragma D attributes Stable/Stable/ISA R_RFL
inline int R_RSP = 20;
#pragma D attributes Stable/Stable/ISA R_RSP
inline int R_SS = 21;
#pragma D attributes Stable/Stable/ISA R_SS

/* Names that serve every processor, and those of 32-bit programs. */
inline int R_PC = R_RIP;
#pragma D attributes Stable/Stable/ISA R_PC
inline int R_SP = R_RSP;
#pragma D attributes Stable/Stable/ISA R_SP
inline int R_PS = R_RFL;
#pragma D attributes Stable/Stable/ISA R_PS
inline int R_FP = R_RBP;
#pragma D attributes Stable/Stable/ISA R_FP
inline int R_R0 = R_RAX;
#pragma D attributes Stable/Stable/ISA R_R0
inline int R_R1 = R_RBX;
#pragma D attributes Stable/Stable/ISA R_R1
inline int R_EDI = R_RDI;
#pragma D attributes Stable/Stable/ISA R_EDI
inline int R_ESI = R_RSI;
#pragma D attributes Stable/Stable/ISA R_ESI
inline int R_EBP = R_RBP;
#pragma D attributes Stable/Stable/ISA R_EBP
inline int R_EBX = R_RBX;
#pragma D attributes Stable/Stable/ISA R_EBX
inline int R_EDX = R_RDX;
#pragma D attributes Stable/Stable/ISA R_EDX
inline int R_ECX = R_RCX;
#pragma D attributes Stable/Stable/ISA R_ECX
inline int R_EAX = R_RAX;
#pragma D attributes Stable/Stable/ISA R_EAX
inline int R_EIP = R_RIP;
#pragma D attributes Stable/Stable/ISA R_EIP
inline int R_EFL = R_RFL;
#pragma D attributes Stable/Stable/ISA R_EFL
inline int R_UESP = R_RSP;
#pragma D attributes Stable/Stable/ISA R_UESP
inline int R_ESP = R_RSP;
#pragma D attributes Stable/Stable/ISA R_ESP

inline uint64_t __register_offset[int n] =
    n == 0 ? offsetof(struct pt_regs, r15) :
    n == 1 ? offsetof(struct pt_regs, r14) :
    n == 2 ? offsetof(struct pt_regs, r13) :
    n == 3 ? offsetof(struct pt_regs, r12) :
    n == 4 ? offsetof(struct pt_regs, r11) :
    n == 5 ? offsetof(struct pt_regs, r10) :
    n == 6 ? offsetof(struct pt_regs, r9) :
    n == 7 ? offsetof(struct pt_regs, r8) :
    n == 8 ? offsetof(struct pt_regs, di) :
    n == 9 ? offsetof(struct pt_regs, si) :
    n == 10 ? offsetof(struct pt_regs, bp) :
    n == 11 ? offsetof(struct pt_regs, bx) :
    n == 12 ? offsetof(struct pt_regs, dx) :
    n == 13 ? offsetof(struct pt_regs, cx) :
    n == 14 ? offsetof(struct pt_regs, ax) :
    n == 16 ? offsetof(struct pt_regs, orig_ax) :
    n == 17 ? offsetof(struct pt_regs, ip) :
    n == 18 ? offsetof(struct pt_regs, cs) :
    n == 19 ? offsetof(struct pt_regs, flags) :
    n == 20 ? offsetof(struct pt_regs, sp) :
    n == 21 ? offsetof(struct pt_regs, ss) :
    0xffffffff;

/* A register that is not there is an invalid address.  The segment registers are 16 bits wide. */
inline uint64_t uregs[int n] = n == R_CS || n == R_SS ?
    *(uint16_t *)(__user_registers() + __register_offset[n]) :
    __register_offset[n] == 0xffffffff ? *(uint64_t *)0 :
    *(uint64_t *)(__user_registers() + __register_offset[n]);
#pragma D attributes Stable/Stable/ISA uregs

/* The number of the thread's system call, -1 in an interrupt or a fault of the program. */
inline short __system_call = ((struct pt_regs *)__user_registers())->orig_ax > 0x7fffUL ? -1 :
    ((struct pt_regs *)__user_registers())->orig_ax;
