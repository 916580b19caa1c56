/*
 * What the lockstat provider keeps of a thread that waits for a lock, by the addresses of both:
 * the flags of contention_begin seen, since when (ns), and the semaphore's count at first.
 */

uint32_t __lock_flags[uint64_t, uint64_t];
uint64_t __lock_since[uint64_t, uint64_t];
int64_t __lock_holders[uint64_t, uint64_t];

/* Modes of readers/writer locks (krw_t). */
inline int RW_WRITER = 0;  /* held by one, for writing */
#pragma D attributes Stable/Stable/Common RW_WRITER
inline int RW_READER = 1;  /* held by many, for reading */
#pragma D attributes Stable/Stable/Common RW_READER
