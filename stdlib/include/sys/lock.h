/* sys/lock.h of another kernel: its structures are not those of Linux, and it has no values that D lacks. */
