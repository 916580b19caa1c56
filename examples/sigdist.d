#!/usr/bin/env -S dscript -s
/*
 * sigdist.d - which signals fly between which commands, and how many?
 *
 * Counts signals by sender, receiver and number until Ctrl-C.
 *
 * Usage: sigdist.d [PID]
 *   PID   sent by this process and its children only; 0: all
 *
 * Sample:
 *   SENDER           RECEIVER         SIGNAL    COUNT
 *   chmod            sh                   17        1
 *   crash            crash                11        1
 *   crash            sh                   17        1
 *   ls               sh                   17        1
 *   python3.11       sh                   17        1
 *
 * Notes: Linux 6.1 and later. Signals of the kernel have as their sender whoever was
 * running. kill.d shows them one by one.
 */

#pragma D option quiet
#pragma D option defaultargs

proc:::signal-send
/$1 == 0 || progenyof($1)/
{
	@[execname, args[1]->pr_fname, args[2]] = count();
}

END
{
	printf("%-16s %-16s %6s %8s\n", "SENDER", "RECEIVER", "SIGNAL", "COUNT");
	printa("%-16s %-16s %6d %@8d\n", @);
}
