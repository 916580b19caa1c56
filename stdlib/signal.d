/*
 * Signals, as signal(7) numbers them on x86-64 and aarch64; codes of siginfo (sigaction(2));
 * how a process ended (wait(2)).
 */

inline int SIGHUP = 1;
#pragma D attributes Stable/Stable/Common SIGHUP
inline int SIGINT = 2;
#pragma D attributes Stable/Stable/Common SIGINT
inline int SIGQUIT = 3;
#pragma D attributes Stable/Stable/Common SIGQUIT
inline int SIGILL = 4;
#pragma D attributes Stable/Stable/Common SIGILL
inline int SIGTRAP = 5;
#pragma D attributes Stable/Stable/Common SIGTRAP
inline int SIGABRT = 6;
#pragma D attributes Stable/Stable/Common SIGABRT
inline int SIGBUS = 7;
#pragma D attributes Stable/Stable/Common SIGBUS
inline int SIGFPE = 8;
#pragma D attributes Stable/Stable/Common SIGFPE
inline int SIGKILL = 9;
#pragma D attributes Stable/Stable/Common SIGKILL
inline int SIGUSR1 = 10;
#pragma D attributes Stable/Stable/Common SIGUSR1
inline int SIGSEGV = 11;
#pragma D attributes Stable/Stable/Common SIGSEGV
inline int SIGUSR2 = 12;
#pragma D attributes Stable/Stable/Common SIGUSR2
inline int SIGPIPE = 13;
#pragma D attributes Stable/Stable/Common SIGPIPE
inline int SIGALRM = 14;
#pragma D attributes Stable/Stable/Common SIGALRM
inline int SIGTERM = 15;
#pragma D attributes Stable/Stable/Common SIGTERM
inline int SIGSTKFLT = 16;
#pragma D attributes Stable/Stable/Common SIGSTKFLT
inline int SIGCHLD = 17;
#pragma D attributes Stable/Stable/Common SIGCHLD
inline int SIGCONT = 18;
#pragma D attributes Stable/Stable/Common SIGCONT
inline int SIGSTOP = 19;
#pragma D attributes Stable/Stable/Common SIGSTOP
inline int SIGTSTP = 20;
#pragma D attributes Stable/Stable/Common SIGTSTP
inline int SIGTTIN = 21;
#pragma D attributes Stable/Stable/Common SIGTTIN
inline int SIGTTOU = 22;
#pragma D attributes Stable/Stable/Common SIGTTOU
inline int SIGURG = 23;
#pragma D attributes Stable/Stable/Common SIGURG
inline int SIGXCPU = 24;
#pragma D attributes Stable/Stable/Common SIGXCPU
inline int SIGXFSZ = 25;
#pragma D attributes Stable/Stable/Common SIGXFSZ
inline int SIGVTALRM = 26;
#pragma D attributes Stable/Stable/Common SIGVTALRM
inline int SIGPROF = 27;
#pragma D attributes Stable/Stable/Common SIGPROF
inline int SIGWINCH = 28;
#pragma D attributes Stable/Stable/Common SIGWINCH
inline int SIGIO = 29;
#pragma D attributes Stable/Stable/Common SIGIO
inline int SIGPWR = 30;
#pragma D attributes Stable/Stable/Common SIGPWR
inline int SIGSYS = 31;
#pragma D attributes Stable/Stable/Common SIGSYS

/* Other names for the same */
inline int SIGCLD = 17;
#pragma D attributes Stable/Stable/Common SIGCLD
inline int SIGIOT = 6;
#pragma D attributes Stable/Stable/Common SIGIOT
inline int SIGPOLL = 29;
#pragma D attributes Stable/Stable/Common SIGPOLL

/* si_code: who sent a signal */
inline int SI_USER = 0;  /* kill(2) */
#pragma D attributes Stable/Stable/Common SI_USER
inline int SI_KERNEL = 128;
#pragma D attributes Stable/Stable/Common SI_KERNEL
inline int SI_QUEUE = -1;  /* sigqueue(3) */
#pragma D attributes Stable/Stable/Common SI_QUEUE
inline int SI_TIMER = -2;
#pragma D attributes Stable/Stable/Common SI_TIMER
inline int SI_MESGQ = -3;
#pragma D attributes Stable/Stable/Common SI_MESGQ
inline int SI_ASYNCIO = -4;
#pragma D attributes Stable/Stable/Common SI_ASYNCIO
inline int SI_SIGIO = -5;
#pragma D attributes Stable/Stable/Common SI_SIGIO
inline int SI_TKILL = -6;  /* tgkill(2) */
#pragma D attributes Stable/Stable/Common SI_TKILL

/* si_code of SIGCHLD; args[0] of proc:::exit */
inline int CLD_EXITED = 1;  /* ended by itself */
#pragma D attributes Stable/Stable/Common CLD_EXITED
inline int CLD_KILLED = 2;  /* ended by a signal */
#pragma D attributes Stable/Stable/Common CLD_KILLED
inline int CLD_DUMPED = 3;  /* ended by a signal, memory saved */
#pragma D attributes Stable/Stable/Common CLD_DUMPED
inline int CLD_TRAPPED = 4;
#pragma D attributes Stable/Stable/Common CLD_TRAPPED
inline int CLD_STOPPED = 5;
#pragma D attributes Stable/Stable/Common CLD_STOPPED
inline int CLD_CONTINUED = 6;
#pragma D attributes Stable/Stable/Common CLD_CONTINUED

/* args[0] of proc:::fault */
inline int FLTILL = 1;  /* illegal instruction */
#pragma D attributes Stable/Stable/Common FLTILL
inline int FLTPRIV = 2;  /* privileged instruction */
#pragma D attributes Stable/Stable/Common FLTPRIV
inline int FLTBPT = 3;  /* breakpoint */
#pragma D attributes Stable/Stable/Common FLTBPT
inline int FLTTRACE = 4;  /* single step */
#pragma D attributes Stable/Stable/Common FLTTRACE
inline int FLTACCESS = 5;  /* memory access (protection, alignment) */
#pragma D attributes Stable/Stable/Common FLTACCESS
inline int FLTBOUNDS = 6;  /* no memory at the address */
#pragma D attributes Stable/Stable/Common FLTBOUNDS
inline int FLTIOVF = 7;  /* integer overflow */
#pragma D attributes Stable/Stable/Common FLTIOVF
inline int FLTIZDIV = 8;  /* integer division by zero */
#pragma D attributes Stable/Stable/Common FLTIZDIV
inline int FLTFPE = 9;  /* floating-point exception */
#pragma D attributes Stable/Stable/Common FLTFPE
inline int FLTSTACK = 10;
#pragma D attributes Stable/Stable/Common FLTSTACK
inline int FLTPAGE = 11;
#pragma D attributes Stable/Stable/Common FLTPAGE
inline int FLTWATCH = 12;
#pragma D attributes Stable/Stable/Common FLTWATCH
