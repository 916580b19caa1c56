/*
 * Waiting for children (wait(2)).  Source: <sys/wait.h>.
 */
inline int WNOHANG = 1;
#pragma D attributes Stable/Stable/Common WNOHANG
inline int WUNTRACED = 2;
#pragma D attributes Stable/Stable/Common WUNTRACED
inline int WSTOPPED = 2;
#pragma D attributes Stable/Stable/Common WSTOPPED
inline int WEXITED = 4;
#pragma D attributes Stable/Stable/Common WEXITED
inline int WCONTINUED = 8;
#pragma D attributes Stable/Stable/Common WCONTINUED
inline int WNOWAIT = 16777216;
#pragma D attributes Stable/Stable/Common WNOWAIT
inline int P_ALL = 0;
#pragma D attributes Stable/Stable/Common P_ALL
inline int P_PID = 1;
#pragma D attributes Stable/Stable/Common P_PID
inline int P_PGID = 2;
#pragma D attributes Stable/Stable/Common P_PGID
