#!/usr/bin/env -S dscript -s
/*
 * threaded.d - do the threads of a process share its work?
 *
 * Looks 97 times a second at what every CPU runs, and prints for each thread of each process
 * that has several its share of one CPU: one thread at 100 and the others at 0 is a program
 * that gains nothing from its threads.
 *
 * Usage: threaded.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND               TID THREAD            PERCENT  SAMPLES
 *        25880 python3             25880 python3                12        7
 *        25880 python3             25886 python3                18       10
 *
 * Notes: TID is the kernel's number of the thread (`ps -L`), which is the PID for the first one.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Sampling... Ctrl-C ends.\n");
}

profile:::profile-97
/pid && curpsinfo->pr_nlwp > 1/
{
	@share[pid, curpsinfo->pr_fname, tid, curlwpsinfo->pr_name] = sum(100);
	@samples[pid, curpsinfo->pr_fname, tid, curlwpsinfo->pr_name] = count();
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
	setopt("aggsortkey");
	printf("\n%8s %-16s %8s %-16s %8s %8s\n", "PID", "COMMAND", "TID", "THREAD", "PERCENT",
	    "SAMPLES");
	printa("%8d %-16s %8d %-16s %@8d %@8d\n", @share, @samples);
}
