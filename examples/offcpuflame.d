#!/usr/bin/env -S dscript -s
/*
 * offcpuflame.d - where does a program with all its children wait? (as a flame graph)
 *
 * Adds up the time off the CPU of a command and of the processes it starts, by process name
 * and stack.  `--flamegraph FILE.svg` draws the sums: a wide frame is a place where much time
 * went by.  `--folded FILE` writes them for other tools.  In any case the sums by process name
 * are printed, and then the stacks as text.
 *
 * Usage: offcpuflame.d --flamegraph FILE.svg -p PID | -c COMMAND [least]
 *     least   waits shorter than so many microseconds are left out
 *
 * Sample:
 *     COMMAND           OFF-CPU(us)    WAITS      MAX(us)
 *     sleep                   86679        3        56443
 *     sh                      92881        5        56686
 *     python3                685433      135        93701
 *
 * Notes: Times are in microseconds.  The time of parents that wait for their children is in
 *     the picture beside the children's own.  Stacks of processes end early where code has no
 *     frame pointers.
 */

#pragma D option quiet
#pragma D option defaultargs

sched:::off-cpu
/progenyof($target)/
{
	self->since = timestamp;
}

sched:::on-cpu
/self->since && timestamp - self->since >= $1 * 1000/
{
	this->waited = (timestamp - self->since) / 1000;
	@stacks[execname, stack(), ustack()] = sum(this->waited);
	@total[execname] = sum(this->waited);
	@longest[execname] = max(this->waited);
	@waits[execname] = count();
}

sched:::on-cpu
{
	self->since = 0;
}

dtrace:::END
{
	printf("%-16s %12s %8s %12s\n", "COMMAND", "OFF-CPU(us)", "WAITS", "MAX(us)");
	printa("%-16s %@12d %@8d %@12d\n", @total, @waits, @longest);
}
