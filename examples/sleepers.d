#!/usr/bin/env -S dscript -s
/*
 * sleepers.d - which processes sleep, how often, and for how long?
 *
 * Measures from the moment a thread gives up the CPU to wait for something until it is woken.
 * Many short sleeps are polling or a conversation; the sum is of all threads.
 *
 * Usage: sleepers.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND            SLEEPS    AVG(us)    MAX(us)      SUM(us)
 *        25832 bash                    1         42         42           42
 *        25959 sleep                   1      50065      50065        50065
 *        25953 sleep                   1     100076     100076       100076
 *        25940 sh                      4      37931     100425       151725
 *
 * Notes: A sleep that began before tracing or lasts longer is not there.  The time from the
 *     wakeup to the CPU is not sleep: runqlat.d.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t asleep[uintptr_t];	/* since when, by thread */

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::sleep
{
	asleep[curlwpsinfo->pr_addr] = timestamp;
}

sched:::wakeup
/asleep[args[0]->pr_addr]/
{
	this->time = (timestamp - asleep[args[0]->pr_addr]) / 1000;
	asleep[args[0]->pr_addr] = 0;
	@total[args[1]->pr_pid, args[1]->pr_fname] = sum(this->time);
	@sleeps[args[1]->pr_pid, args[1]->pr_fname] = count();
	@average[args[1]->pr_pid, args[1]->pr_fname] = avg(this->time);
	@longest[args[1]->pr_pid, args[1]->pr_fname] = max(this->time);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%8s %-16s %8s %10s %10s %12s\n", "PID", "COMMAND", "SLEEPS", "AVG(us)", "MAX(us)",
	    "SUM(us)");
	setopt("aggsortpos", "3");
	printa("%8d %-16s %@8d %@10d %@10d %@12d\n", @sleeps, @average, @longest, @total);
}
