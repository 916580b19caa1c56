#!/usr/bin/env -S dscript -s
/*
 * runqlen.d - how many threads wait for each CPU?
 *
 * Looks 97 times a second at the run queue of every CPU.  Prints for each how many threads were
 * there to run on average (in hundredths, the running one among them) and at most.
 *
 * Usage: runqlen.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     CPU   AVG(1/100)      MAX  SAMPLES
 *       0          391        6       81
 *       1          246        5       80
 *
 * Notes: The queue is found from the thread on the CPU (se.cfs_rq->rq), which needs a kernel
 *     with CONFIG_FAIR_GROUP_SCHED, as those of all distributions are.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

profile:::profile-97
{
	this->length = curthread->se.cfs_rq->rq->nr_running;
	@average[cpu] = avg(this->length * 100);
	@longest[cpu] = max(this->length);
	@samples[cpu] = count();
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
	printf("\n%Y\n%3s %12s %8s %8s\n", walltimestamp, "CPU", "AVG(1/100)", "MAX", "SAMPLES");
	printa("%3d %@12d %@8d %@8d\n", @average, @longest, @samples);
	trunc(@average);
	trunc(@longest);
	trunc(@samples);
	elapsed = 0;
}
