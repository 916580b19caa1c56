/*
 * workload cost WINDOWS CALLS
 *	Says on stderr the least thread CPU time per getppid(2), in tenths of a nanosecond, over
 *	WINDOWS windows of CALLS calls.
 * workload rate PER_SECOND MILLISECONDS
 *	Makes PER_SECOND calls a second, evenly spread over half-millisecond steps, and
 *	says how many calls it made and how many microseconds that took.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void cost(int windows, int calls)
{
	long long best = -1;

	for (int w = 0; w < windows; w++) {
		long long start = now(CLOCK_THREAD_CPUTIME_ID);

		for (int i = 0; i < calls; i++)
			syscall(SYS_getppid);
		long long spent = now(CLOCK_THREAD_CPUTIME_ID) - start;
		if (best < 0 || spent < best)
			best = spent;
	}
	fprintf(stderr, "result %lld\n", best * 10 / calls);
}

static void rate(long long per_second, long long milliseconds)
{
	const long long step = 500000;
	long long start = now(CLOCK_MONOTONIC), made = 0;
	long long steps = milliseconds * 1000000 / step;

	for (long long s = 1; s <= steps; s++) {
		for (; made < per_second * s * step / 1000000000; made++)
			syscall(SYS_getppid);
		while (now(CLOCK_MONOTONIC) < start + s * step)
			;
	}
	fprintf(stderr, "result %lld %lld\n", made, (now(CLOCK_MONOTONIC) - start) / 1000);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	if (strcmp(argv[1], "cost") == 0)
		cost(atoi(argv[2]), atoi(argv[3]));
	else
		rate(atoll(argv[2]), atoll(argv[3]));
	return 0;
}
