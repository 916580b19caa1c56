#!/usr/bin/env -S dscript -s
/*
 * qtime.d - how long do threads stay in the run queue of each CPU?
 *
 * Measures from the moment a thread is put into a CPU's run queue until it is taken out to run,
 * and draws the distribution for each CPU: one that differs from the others has more to do, or
 * is kept from its threads by interrupts.
 *
 * Usage: qtime.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     CPU 1, nanoseconds in the queue:
 *
 *                value  ------------- Distribution ------------- count
 *                 1024 |                                         0
 *                 2048 |@                                        24
 *                 4096 |@@                                       43
 *                 8192 |@@@@@@@@@@                               178
 *                16384 |@@@                                      54
 *                32768 |@@                                       29
 *                65536 |@                                        13
 *               131072 |                                         4
 *               262144 |@                                        10
 *               524288 |@                                        17
 *              1048576 |@@                                       37
 *              2097152 |@@@@@@                                   106
 *              4194304 |@@@@@                                    81
 *              8388608 |@@@@                                     71
 *             16777216 |@@                                       28
 *
 * Notes: Times are in nanoseconds and count for the CPU that runs the thread in the end.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

uint64_t queued[uintptr_t];	/* since when, by thread */

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::enqueue
{
	queued[args[0]->pr_addr] = timestamp;
}

sched:::dequeue
/queued[args[0]->pr_addr]/
{
	@times[args[2]->cpu_id] = quantize(timestamp - queued[args[0]->pr_addr]);
	queued[args[0]->pr_addr] = 0;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\nCPU %d, nanoseconds in the queue:\n%@d", @times);
}
