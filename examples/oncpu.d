#!/usr/bin/env -S dscript -s
/*
 * oncpu.d - how much CPU time does each process use, and in pieces of what size?
 *
 * Measures, at every context switch, how long the thread had the CPU.  Prints for each process
 * the sum, the number of times it came on, and the average and the longest stay.
 *
 * Usage: oncpu.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND            ON-CPU(us)    TIMES    AVG(us)    MAX(us)
 *        25473 python3                129818       65       1997       5325
 *        25472 python3                132847       73       1819       4882
 *        25517 dscript                171545       81       2117       4006
 *
 * Notes: Exact, where sampleproc.d estimates; it costs more when there are many switches.  What
 *     is on a CPU at the end has its last stay left out.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option dynvarsize=4m

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::on-cpu
/pid/
{
	self->since = timestamp;
}

sched:::off-cpu
/self->since/
{
	this->stay = (timestamp - self->since) / 1000;
	self->since = 0;
	@total[pid, curpsinfo->pr_fname] = sum(this->stay);
	@stays[pid, curpsinfo->pr_fname] = count();
	@average[pid, curpsinfo->pr_fname] = avg(this->stay);
	@longest[pid, curpsinfo->pr_fname] = max(this->stay);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%8s %-16s %12s %8s %10s %10s\n", "PID", "COMMAND", "ON-CPU(us)", "TIMES",
	    "AVG(us)", "MAX(us)");
	printa("%8d %-16s %@12d %@8d %@10d %@10d\n", @total, @stays, @average, @longest);
}
