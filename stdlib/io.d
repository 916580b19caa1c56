/*
 * Flags of bufinfo_t's b_flags (manual, chapter "io Provider").
 */

inline int B_WRITE = 0;  /* a write is what is not a read */
#pragma D attributes Stable/Stable/Common B_WRITE
inline int B_READ = 1;
#pragma D attributes Stable/Stable/Common B_READ
inline int B_PHYS = 2;
#pragma D attributes Stable/Stable/Common B_PHYS
inline int B_ASYNC = 4;
#pragma D attributes Stable/Stable/Common B_ASYNC
inline int B_PAGEIO = 16;
#pragma D attributes Stable/Stable/Common B_PAGEIO
inline int B_ERROR = 32;
#pragma D attributes Stable/Stable/Common B_ERROR
inline int B_DONE = 64;
#pragma D attributes Stable/Stable/Common B_DONE
