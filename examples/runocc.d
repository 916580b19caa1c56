#!/usr/bin/env -S dscript -s
/*
 * runocc.d - how often does a thread have to wait for each CPU?
 *
 * Prints the percentage of samples in which each CPU ran something, and in which more threads
 * than the one that ran wanted it.  The second is saturation: what a utilisation of 100 percent
 * does not tell.
 *
 * Usage: runocc.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     CPU    %BUSY  %QUEUED
 *       0      100       98
 *       1      100       93
 *
 * Notes: 997 samples a second on each CPU.  The queue is found from the thread on the CPU
 *     (se.cfs_rq->rq), which needs a kernel with CONFIG_FAIR_GROUP_SCHED.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

profile:::profile-997
{
	this->running = curthread->se.cfs_rq->rq->nr_running;
	@busy[cpu] = avg(this->running > 0 ? 100 : 0);
	@queued[cpu] = avg(this->running > 1 ? 100 : 0);
}

profile:::tick-1s
{
	++elapsed;
}

dtrace:::END
{
	elapsed = $1;	/* the rest is shown too */
}

profile:::tick-1s,
dtrace:::END
/elapsed == $1/
{
	printf("\n%Y\n%3s %8s %8s\n", walltimestamp, "CPU", "%BUSY", "%QUEUED");
	printa("%3d %@8d %@8d\n", @busy, @queued);
	trunc(@busy);
	trunc(@queued);
	elapsed = 0;
}
