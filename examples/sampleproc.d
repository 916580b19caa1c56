#!/usr/bin/env -S dscript -s
/*
 * sampleproc.d - which processes use the CPUs?
 *
 * Looks at what every CPU runs, and prints each process's share of one CPU: 200 percent are two
 * CPUs that ran nothing else.
 *
 * Usage: sampleproc.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND           PERCENT  SAMPLES
 *        24584 dscript                 4        4
 *        24560 python3                22       18
 *        24561 python3                28       23
 *        24559 python3                37       30
 *
 * Notes: Shares are from samples, 97 a second on each CPU: what runs for less than a hundredth
 *     of a second at a time needs some seconds to be told from noise.  oncpu.d measures.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Sampling... Ctrl-C ends.\n");
}

profile:::profile-97
/pid/
{
	@share[pid, curpsinfo->pr_fname] = sum(100);
	@samples[pid, curpsinfo->pr_fname] = count();
}

profile:::tick-97
{
	rounds++;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	normalize(@share, rounds ? rounds : 1);
	printf("\n%8s %-16s %8s %8s\n", "PID", "COMMAND", "PERCENT", "SAMPLES");
	printa("%8d %-16s %@8d %@8d\n", @share, @samples);
}
