#!/usr/bin/env -S dscript -s
/*
 * priclass.d - in which scheduling class, and at which priority, is CPU time used?
 *
 * Looks 997 times a second at what every CPU runs and draws the priorities by class: TS (shared:
 * SCHED_OTHER and SCHED_BATCH), RT (SCHED_FIFO and SCHED_RR), DL (SCHED_DEADLINE) and IDLE
 * (SCHED_IDLE).
 *
 * Usage: priclass.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     Class TS, samples by priority:
 *
 *                value  ------------- Distribution ------------- count
 *                   13 |                                         0
 *                   14 |@@@@@@@@                                 236
 *                   15 |                                         0
 *                   16 |                                         0
 *                   17 |                                         0
 *                   18 |                                         0
 *                   19 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@         956
 *                   20 |                                         0
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
	@priority[curlwpsinfo->pr_clname] = lquantize(curlwpsinfo->pr_pri, 0, 140, 1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printa("\nClass %s, samples by priority:\n%@d", @priority);
}
