/*
 * A time as programs hand it to gettimeofday(2), select(2), utimes(2)…: the C library's name of the
 * kernel's struct __kernel_old_timeval (include/uapi/linux/time_types.h).
 */
struct timeval {
	long tv_sec;
	long tv_usec;
};
