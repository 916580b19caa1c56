#!/usr/bin/env -S dscript -s
/*
 * cpudists.d - how long do the CPUs run one thing before they switch to another?
 *
 * Draws the distribution of the times between context switches, apart for idle time, threads of
 * the kernel, and processes.  Many short times on CPU mean much switching; long idle times mean
 * that there is room.
 *
 * Usage: cpudists.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     process, microseconds on CPU:
 *
 *                value  ------------- Distribution ------------- count
 *                    1 |                                         0
 *                    2 |@                                        39
 *                    4 |@@@                                      129
 *                    8 |@@@@                                     163
 *                   16 |@@@                                      131
 *                   32 |@@                                       73
 *                   64 |@@@                                      137
 *                  128 |@@@                                      110
 *                  256 |@@@                                      111
 *
 * Notes: Times are in microseconds.  Every context switch is seen.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t since[processorid_t];	/* the last context switch of each CPU */

uint64_t since[processorid_t];	/* the last context switch of each CPU */

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::off-cpu
/since[cpu]/
{
	this->class = pid == 0 ? "idle" : curlwpsinfo->pr_flag & PR_ISSYS ? "kernel" : "process";
	@times[this->class] = quantize((timestamp - since[cpu]) / 1000);
}

sched:::on-cpu
{
	since[cpu] = timestamp;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\n%s, microseconds on CPU:\n%@d", @times);
}
