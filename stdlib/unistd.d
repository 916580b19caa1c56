/*
 * Numbers of unistd.h: open files, positions, kinds of access.  Source: <unistd.h>.
 */
inline int STDIN_FILENO = 0;
#pragma D attributes Stable/Stable/Common STDIN_FILENO
inline int STDOUT_FILENO = 1;
#pragma D attributes Stable/Stable/Common STDOUT_FILENO
inline int STDERR_FILENO = 2;
#pragma D attributes Stable/Stable/Common STDERR_FILENO
inline int SEEK_SET = 0;
#pragma D attributes Stable/Stable/Common SEEK_SET
inline int SEEK_CUR = 1;
#pragma D attributes Stable/Stable/Common SEEK_CUR
inline int SEEK_END = 2;
#pragma D attributes Stable/Stable/Common SEEK_END
inline int SEEK_DATA = 3;
#pragma D attributes Stable/Stable/Common SEEK_DATA
inline int SEEK_HOLE = 4;
#pragma D attributes Stable/Stable/Common SEEK_HOLE
inline int F_OK = 0;
#pragma D attributes Stable/Stable/Common F_OK
inline int R_OK = 4;
#pragma D attributes Stable/Stable/Common R_OK
inline int W_OK = 2;
#pragma D attributes Stable/Stable/Common W_OK
inline int X_OK = 1;
#pragma D attributes Stable/Stable/Common X_OK

/* Faults of the ERROR probe, its arg4 (manual, chapter "dtrace Provider"). */
inline int DTRACEFLT_UNKNOWN = 0;
#pragma D attributes Stable/Stable/Common DTRACEFLT_UNKNOWN
inline int DTRACEFLT_BADADDR = 1;
#pragma D attributes Stable/Stable/Common DTRACEFLT_BADADDR
inline int DTRACEFLT_BADALIGN = 2;
#pragma D attributes Stable/Stable/Common DTRACEFLT_BADALIGN
inline int DTRACEFLT_ILLOP = 3;
#pragma D attributes Stable/Stable/Common DTRACEFLT_ILLOP
inline int DTRACEFLT_DIVZERO = 4;
#pragma D attributes Stable/Stable/Common DTRACEFLT_DIVZERO
inline int DTRACEFLT_NOSCRATCH = 5;
#pragma D attributes Stable/Stable/Common DTRACEFLT_NOSCRATCH
inline int DTRACEFLT_KPRIV = 6;
#pragma D attributes Stable/Stable/Common DTRACEFLT_KPRIV
inline int DTRACEFLT_UPRIV = 7;
#pragma D attributes Stable/Stable/Common DTRACEFLT_UPRIV
inline int DTRACEFLT_TUPOFLOW = 8;
#pragma D attributes Stable/Stable/Common DTRACEFLT_TUPOFLOW
inline int DTRACEFLT_BADSTACK = 9;
#pragma D attributes Stable/Stable/Common DTRACEFLT_BADSTACK
