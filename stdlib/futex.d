/*
 * Operations of futex(2).  Source: <linux/futex.h>.
 */
inline int FUTEX_WAIT = 0;
#pragma D attributes Stable/Stable/Common FUTEX_WAIT
inline int FUTEX_WAKE = 1;
#pragma D attributes Stable/Stable/Common FUTEX_WAKE
inline int FUTEX_FD = 2;
#pragma D attributes Stable/Stable/Common FUTEX_FD
inline int FUTEX_REQUEUE = 3;
#pragma D attributes Stable/Stable/Common FUTEX_REQUEUE
inline int FUTEX_CMP_REQUEUE = 4;
#pragma D attributes Stable/Stable/Common FUTEX_CMP_REQUEUE
inline int FUTEX_WAKE_OP = 5;
#pragma D attributes Stable/Stable/Common FUTEX_WAKE_OP
inline int FUTEX_LOCK_PI = 6;
#pragma D attributes Stable/Stable/Common FUTEX_LOCK_PI
inline int FUTEX_UNLOCK_PI = 7;
#pragma D attributes Stable/Stable/Common FUTEX_UNLOCK_PI
inline int FUTEX_TRYLOCK_PI = 8;
#pragma D attributes Stable/Stable/Common FUTEX_TRYLOCK_PI
inline int FUTEX_WAIT_BITSET = 9;
#pragma D attributes Stable/Stable/Common FUTEX_WAIT_BITSET
inline int FUTEX_WAKE_BITSET = 10;
#pragma D attributes Stable/Stable/Common FUTEX_WAKE_BITSET
inline int FUTEX_WAIT_REQUEUE_PI = 11;
#pragma D attributes Stable/Stable/Common FUTEX_WAIT_REQUEUE_PI
inline int FUTEX_CMP_REQUEUE_PI = 12;
#pragma D attributes Stable/Stable/Common FUTEX_CMP_REQUEUE_PI
inline int FUTEX_LOCK_PI2 = 13;
#pragma D attributes Stable/Stable/Common FUTEX_LOCK_PI2
inline int FUTEX_PRIVATE_FLAG = 128;
#pragma D attributes Stable/Stable/Common FUTEX_PRIVATE_FLAG
inline int FUTEX_CLOCK_REALTIME = 256;
#pragma D attributes Stable/Stable/Common FUTEX_CLOCK_REALTIME
