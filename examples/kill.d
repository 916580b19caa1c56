#!/usr/bin/env -S dscript -s
/*
 * kill.d - who sends which signal to whom?
 *
 * One line for each signal that is sent, by kill(2) and its relatives or by the kernel:
 * the sender, the signal's number, and the receiver.
 *
 * Usage: kill.d [PID]
 *   PID   sent by this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            SIGNAL      TO NAME
 *   2026 Nov 21 09:20:47   29976 chmod               17   29973 sh
 *   2026 Nov 21 09:20:47   29977 s                   17   29973 sh
 *   2026 Nov 21 09:20:47   29978 ls                  17   29973 sh
 *   2026 Nov 21 09:20:47   29979 sh                  10   29979 sh
 *   2026 Nov 21 09:20:47   29979 sh                  17   29973 sh
 *
 * Notes: Linux 6.1 and later. A signal of the kernel has as its sender whoever was
 * running: of SIGCHLD the process that ended, of SIGINT at a terminal any one. Names
 * of the numbers: kill -l.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %7s %-15s %6s %7s %s\n", "TIME", "PID", "COMM", "SIGNAL", "TO", "NAME");
}

proc:::signal-send
/$1 == 0 || progenyof($1)/
{
	printf("%Y %7d %-15s %6d %7d %s\n", walltimestamp, pid, execname, args[2], args[1]->pr_pid,
	    args[1]->pr_fname);
}
