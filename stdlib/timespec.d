/*
 * A time as programs hand it to nanosleep(2), clock_gettime(2), futex(2)…: the C library's name of
 * the kernel's struct __kernel_timespec (include/uapi/linux/time_types.h).  Alone in its file, since
 * a program's headers may declare it and leave out what else has times.
 */
struct timespec {
	long tv_sec;
	long tv_nsec;
};
