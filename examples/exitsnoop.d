#!/usr/bin/env -S dscript -s
/*
 * exitsnoop.d - which processes end, after how long, and why?
 *
 * One line for each process when its last thread ends: its age, and either the status
 * it exited with or the signal that killed it (and "core" where one was dumped).
 *
 * Usage: exitsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID    PPID COMM                 AGE(ms) WHY     NUMBER
 *   2026 Nov 21 09:20:45   29847   29844 chmod                  1.984 exit         0
 *   2026 Nov 21 09:20:45   29848   29844 s                      2.474 exit         3
 *   2026 Nov 21 09:20:45   29849   29844 ls                     4.629 exit         0
 *   2026 Nov 21 09:20:45   29850   29844 sh                     8.357 signal      10
 *   2026 Nov 21 09:20:45   29851   29844 crash                  2.786 signal      11
 *   2026 Nov 21 09:20:45   29852   29844 python3.11            30.381 exit         0
 *   2026 Nov 21 09:20:45   29857   29844 rm                     0.777 exit         0
 *
 * Notes: Linux 6.1 and later. The age counts from the fork, not from the exec.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %7s %7s %-15s %12s %-7s %6s\n", "TIME", "PID", "PPID", "COMM", "AGE(ms)",
	    "WHY", "NUMBER");
}

proc:::exit
/$1 == 0 || progenyof($1)/
{
	this->status = curpsinfo->pr_wstat;
	this->us = (timestamp - curthread->group_leader->start_time) / 1000;
	printf("%Y %7d %7d %-15s %8d.%03d %-7s %6d\n", walltimestamp, pid, ppid, execname,
	    this->us / 1000, this->us % 1000, args[0] == CLD_EXITED ? "exit" :
	    args[0] == CLD_DUMPED ? "core" : "signal",
	    args[0] == CLD_EXITED ? this->status >> 8 & 0xff : this->status & 0x7f);
}
