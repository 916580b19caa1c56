/*
 * Flags of sigaction(2), operations of sigprocmask(2).  Source: <signal.h>.
 */
inline int SA_NOCLDSTOP = 1;
#pragma D attributes Stable/Stable/Common SA_NOCLDSTOP
inline int SA_NOCLDWAIT = 2;
#pragma D attributes Stable/Stable/Common SA_NOCLDWAIT
inline int SA_SIGINFO = 4;
#pragma D attributes Stable/Stable/Common SA_SIGINFO
inline int SA_ONSTACK = 134217728;
#pragma D attributes Stable/Stable/Common SA_ONSTACK
inline int SA_RESTART = 268435456;
#pragma D attributes Stable/Stable/Common SA_RESTART
inline int SA_NODEFER = 1073741824;
#pragma D attributes Stable/Stable/Common SA_NODEFER
inline uint64_t SA_RESETHAND = 2147483648;
#pragma D attributes Stable/Stable/Common SA_RESETHAND
inline int SIG_BLOCK = 0;
#pragma D attributes Stable/Stable/Common SIG_BLOCK
inline int SIG_UNBLOCK = 1;
#pragma D attributes Stable/Stable/Common SIG_UNBLOCK
inline int SIG_SETMASK = 2;
#pragma D attributes Stable/Stable/Common SIG_SETMASK
inline int SS_ONSTACK = 1;
#pragma D attributes Stable/Stable/Common SS_ONSTACK
inline int SS_DISABLE = 2;
#pragma D attributes Stable/Stable/Common SS_DISABLE
