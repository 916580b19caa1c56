#!/usr/bin/env -S dscript -s
/*
 * cpuwalk.d - on which CPUs does each process run?
 *
 * Looks 997 times a second at what every CPU runs, and draws for each process how often it was
 * found on which: a program that is one thread long sits on one CPU or wanders, a parallel one
 * should cover them all evenly.
 *
 * Usage: cpuwalk.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     PID 24739, python3, samples by CPU:
 *
 *                value  ------------- Distribution ------------- count
 *                    0 |                                         0
 *                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 235
 *                    2 |                                         0
 *
 * Notes: The picture ends at CPU 127; for more of them change the limits of lquantize().
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Sampling... Ctrl-C ends.\n");
}

profile:::profile-997
/pid/
{
	@walk[pid, curpsinfo->pr_fname] = lquantize(cpu, 0, 128, 1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\nPID %d, %s, samples by CPU:\n%@d", @walk);
}
