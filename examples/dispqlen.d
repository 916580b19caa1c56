#!/usr/bin/env -S dscript -s
/*
 * dispqlen.d - are threads queued for the CPUs, and how many?
 *
 * Looks 997 times a second at the run queue of every CPU and draws the distribution of its
 * length: the threads that wait, the running one left out.  Zeros alone mean that every thread
 * gets a CPU at once.
 *
 * Usage: dispqlen.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     CPU 0, threads that wait:
 *
 *                value  ------------- Distribution ------------- count
 *                  < 0 |                                         0
 *                    0 |                                         10
 *                    1 |                                         8
 *                    2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@     745
 *                    3 |@@@                                      59
 *                    4 |                                         2
 *                    5 |                                         1
 *                    6 |                                         0
 *
 * Notes: The queue is found from the thread on the CPU (se.cfs_rq->rq), which needs a kernel
 *     with CONFIG_FAIR_GROUP_SCHED, as those of all distributions are.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

dtrace:::BEGIN
{
	printf("Sampling... Ctrl-C ends.\n");
}

profile:::profile-997
{
	this->running = curthread->se.cfs_rq->rq->nr_running;
	@queue[cpu] = lquantize(this->running ? this->running - 1 : 0, 0, 64, 1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\nCPU %d, threads that wait:\n%@d", @queue);
}
