#!/usr/bin/env -S dscript -s
/*
 * xcalls.d - who makes other CPUs stop for a call?
 *
 * Counts the calls from one CPU to another (to flush page tables that another thread uses, to
 * move work, to synchronise memory), by process and by the kernel's stack.  They interrupt the
 * other CPU, so many of them slow down what has nothing to do with their cause.
 *
 * Usage: xcalls.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND            XCALLS
 *        12314 kworker/0:5            10
 *        19501 python                 11
 *        19519 python                 14
 *        28078 python3                71
 *
 * Notes: Wakeups of an idle CPU are calls too.  Kernels before 6.4 need kprobes.  Idle CPUs show
 *     with PID 0.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sysinfo:::xcalls
{
	@calls[pid, execname] = sum(arg0);
	@stacks[stack(6)] = sum(arg0);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	trunc(@stacks, 5);
	printa("%k%@20d\n", @stacks);
	printf("\n%8s %-16s %8s\n", "PID", "COMMAND", "XCALLS");
	printa("%8d %-16s %@8d\n", @calls);
}
