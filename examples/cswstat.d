#!/usr/bin/env -S dscript -s
/*
 * cswstat.d - how often does each CPU switch from one thread to another?
 *
 * Prints for each CPU the context switches, how many of them took the CPU from a thread that
 * would have run on, and how long a thread had it on average.
 *
 * Usage: cswstat.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     CPU   SWITCHES  PREEMPTED   AVG-STAY(us)
 *       0       1073        491            799
 *       1        519        296           1659
 *
 * Notes: Switches to and from the idle thread count, its time does not.  A short average with
 *     many preemptions means that CPU-bound threads share the CPU.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

uint64_t since[processorid_t];	/* the last context switch of each CPU */

uint64_t since[processorid_t];	/* the last context switch of each CPU */

sched:::off-cpu
{
	@switches[cpu] = count();
}

sched:::off-cpu
/pid && since[cpu]/
{
	@stay[cpu] = avg((timestamp - since[cpu]) / 1000);
}

sched:::preempt
/pid/
{
	@preempted[cpu] = count();
}

sched:::on-cpu
{
	since[cpu] = timestamp;
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
	printf("\n%Y\n%3s %10s %10s %14s\n", walltimestamp, "CPU", "SWITCHES", "PREEMPTED",
	    "AVG-STAY(us)");
	printa("%3d %@10d %@10d %@14d\n", @switches, @preempted, @stay);
	trunc(@switches);
	trunc(@preempted);
	trunc(@stay);
	elapsed = 0;
}
