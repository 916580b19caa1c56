#!/usr/bin/env -S dscript -s
/*
 * demo.d - which commands make which system calls most often?
 *
 * Counts system calls by command and name until Ctrl-C or the end of the -c
 * command, and shows the ten commonest pairs.
 *
 * Usage: demo.d [-c COMMAND]
 *
 * Sample:
 *   COMMAND              SYSTEM CALL                   CALLS
 *   ls                   statx                          1840
 *   ls                   write                           912
 *
 * Notes: one look-up in a table for each system call of the machine.
 */

#pragma D option quiet

syscall:::entry
{
	@[execname, probefunc] = count();
}

END
{
	trunc(@, 10);
	printf("%-20s %-24s %10s\n", "COMMAND", "SYSTEM CALL", "CALLS");
	printa("%-20s %-24s %@10d\n", @);
}
