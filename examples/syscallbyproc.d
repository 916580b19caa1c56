#!/usr/bin/env -S dscript -s
/*
 * syscallbyproc.d - which processes make most system calls?
 *
 * Counts system calls by process until Ctrl-C, most calls last.
 *
 * Usage: syscallbyproc.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   vm
 *   Sat Nov 21 09:20:52 UTC 2026
 *       PID COMM                    CALLS
 *     30260 sh                          2
 *     30261 sh                          2
 *     30274 sh                          2
 *
 * Notes: Linux 6.1 and later. procsystime.d shows which calls these are, and what they
 * cost.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall:::entry
/$1 == 0 || progenyof($1)/
{
	@[pid, execname] = count();
}

END
{
	printf("%7s %-16s %12s\n", "PID", "COMM", "CALLS");
	printa("%7d %-16s %@12d\n", @);
}
