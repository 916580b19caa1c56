/*
 * Operations of prctl(2).  Source: <sys/prctl.h>.
 */
inline int PR_SET_PDEATHSIG = 1;
#pragma D attributes Stable/Stable/Common PR_SET_PDEATHSIG
inline int PR_GET_PDEATHSIG = 2;
#pragma D attributes Stable/Stable/Common PR_GET_PDEATHSIG
inline int PR_GET_DUMPABLE = 3;
#pragma D attributes Stable/Stable/Common PR_GET_DUMPABLE
inline int PR_SET_DUMPABLE = 4;
#pragma D attributes Stable/Stable/Common PR_SET_DUMPABLE
inline int PR_SET_NAME = 15;
#pragma D attributes Stable/Stable/Common PR_SET_NAME
inline int PR_GET_NAME = 16;
#pragma D attributes Stable/Stable/Common PR_GET_NAME
inline int PR_GET_SECCOMP = 21;
#pragma D attributes Stable/Stable/Common PR_GET_SECCOMP
inline int PR_SET_SECCOMP = 22;
#pragma D attributes Stable/Stable/Common PR_SET_SECCOMP
inline int PR_CAPBSET_READ = 23;
#pragma D attributes Stable/Stable/Common PR_CAPBSET_READ
inline int PR_CAPBSET_DROP = 24;
#pragma D attributes Stable/Stable/Common PR_CAPBSET_DROP
inline int PR_SET_NO_NEW_PRIVS = 38;
#pragma D attributes Stable/Stable/Common PR_SET_NO_NEW_PRIVS
inline int PR_GET_NO_NEW_PRIVS = 39;
#pragma D attributes Stable/Stable/Common PR_GET_NO_NEW_PRIVS
inline int PR_SET_CHILD_SUBREAPER = 36;
#pragma D attributes Stable/Stable/Common PR_SET_CHILD_SUBREAPER
inline int PR_SET_MM = 35;
#pragma D attributes Stable/Stable/Common PR_SET_MM
inline int PR_CAP_AMBIENT = 47;
#pragma D attributes Stable/Stable/Common PR_CAP_AMBIENT
inline int PR_SET_VMA = 1398164801;
#pragma D attributes Stable/Stable/Common PR_SET_VMA
