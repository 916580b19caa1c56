#!/usr/bin/env -S dscript -s
/*
 * newproc.d - which processes make new processes and threads?
 *
 * One line for each process (fork) and thread (clone) at its creation: who made it and
 * its number.
 *
 * Usage: newproc.d [PID]
 *   PID   made by this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            MADE         NEW
 *   2026 Nov 21 09:20:44   29810 sh              process    29811
 *   2026 Nov 21 09:20:44   29810 sh              process    29812
 *   2026 Nov 21 09:20:44   29810 sh              process    29813
 *   2026 Nov 21 09:20:44   29810 sh              process    29814
 *
 * Notes: Linux 6.1 and later. A thread's number is a thread ID, as tid has it.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %7s %-15s %-8s %7s\n", "TIME", "PID", "COMM", "MADE", "NEW");
}

proc:::create
/$1 == 0 || progenyof($1)/
{
	printf("%Y %7d %-15s %-8s %7d\n", walltimestamp, pid, execname, "process",
	    args[0]->pr_pid);
}

proc:::lwp-create
/$1 == 0 || progenyof($1)/
{
	printf("%Y %7d %-15s %-8s %7d\n", walltimestamp, pid, execname, "thread",
	    args[0]->pr_lwpid);
}
