#!/usr/bin/env -S dscript -s
/*
 * pridist.d - at which priorities does each process run?
 *
 * Looks 997 times a second at what every CPU runs and draws the priorities by process: one line
 * is a process that nobody reniced, several are threads of different urgency.
 *
 * Usage: pridist.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     python3, PID 25658, samples by priority:
 *
 *                value  ------------- Distribution ------------- count
 *                   13 |                                         0
 *                   14 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@     279
 *                   15 |                                         0
 *                   16 |                                         0
 *                   17 |                                         0
 *                   18 |                                         0
 *                   19 |@@@@                                     27
 *                   20 |                                         0
 *                   21 |                                         0
 *
 * Notes: More is more urgent: 0 to 39 are nice 19 to -20 (19 is nice 0), 40 to 139 are real
 *     time.  The idle threads of the CPUs are left out.
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
	@priority[curpsinfo->pr_fname, pid] = lquantize(curlwpsinfo->pr_pri, 0, 140, 1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\n%s, PID %d, samples by priority:\n%@d", @priority);
}
