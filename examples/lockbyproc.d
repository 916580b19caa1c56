#!/usr/bin/env -S dscript -s
/*
 * lockbyproc.d - which processes wait for the kernel's locks?
 *
 * Adds up the time that processes wait for mutexes, for readers/writer semaphores and spin locks
 * of the kernel, by process and kind of wait.
 *
 * Usage: lockbyproc.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND          KIND                WAITS      MAX(ns)      SUM(ns)
 *        28186 dscript          spin-spin              37        30236       451047
 *        28176 python3          spin-spin              58        42163       564414
 *        28176 python3          rw-block              144      7781452     61577251
 *
 * Notes: Free locks cost nothing and do not show.  Times are nanoseconds.  Locks of the processes
 *     themselves (pthread_mutex_lock) are in futexes.d; where the kernel's are: lockstat.d.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

lockstat:::adaptive-block,
lockstat:::adaptive-spin,
lockstat:::rw-block,
lockstat:::spin-spin
{
	@total[pid, execname, probename] = sum(arg1);
	@waits[pid, execname, probename] = count();
	@longest[pid, execname, probename] = max(arg1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%8s %-16s %-16s %8s %12s %12s\n", "PID", "COMMAND", "KIND", "WAITS", "MAX(ns)",
	    "SUM(ns)");
	setopt("aggsortpos", "2");
	printa("%8d %-16s %-16s %@8d %@12d %@12d\n", @waits, @longest, @total);
}
