#!/usr/bin/env -S dscript -s
/*
 * wakeups.d - who wakes whom?
 *
 * Counts the wakeups by the process that causes them and the one that is woken: which server
 * answers which client, who holds the lock, what keeps an idle machine busy.
 *
 * Usage: wakeups.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID WAKER               WOKEN COMMAND           WAKEUPS
 *        25736 wc                  25735 seq                     8
 *        25735 seq                 25736 wc                    275
 *
 * Notes: Timers and devices wake in an interrupt, which counts for what it interrupted: `idle`
 *     is one on an idle CPU.  Every wakeup is seen, also of what runs already.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::wakeup
{
	this->waker = pid ? curpsinfo->pr_fname : "idle";
	@wakeups[pid, this->waker, args[1]->pr_pid, args[1]->pr_fname] = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%8s %-16s %8s %-16s %8s\n", "PID", "WAKER", "WOKEN", "COMMAND", "WAKEUPS");
	printa("%8d %-16s %8d %-16s %@8d\n", @wakeups);
}
