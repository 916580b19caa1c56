#!/usr/bin/env -S dscript -s
/*
 * futexes.d - for which locks of their own do processes wait, and for how long?
 *
 * A program's mutexes, condition variables and semaphores end in the system call futex() when
 * a thread must wait.  Adds up the waits by process and address; with a PID it also shows
 * the stacks that wait.
 *
 * Usage: futexes.d [pid]
 *     pid   only this process, with its stacks; all processes without if not given
 *
 * Sample:
 *          PID COMMAND          LOCK              WAITS TIMEOUTS    AVG(us)      SUM(us)
 *        28265 python3          0x7f9004000b70       45        0       4138       186250
 *        28265 python3          0x7f901014e6f4      257        0        856       220154
 *        28265 python3          0x7f901014e6f0      257        2        878       225704
 *        28265 python3          0x7f9008000b70        1        0     437575       437575
 *
 * Notes: Threads that wait for work wait here too: look for short waits, many of them, at one
 *     address.  TIMEOUTS are waits that ended by time or a signal.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int FUTEX_OPERATION = 127;	/* without the flags */

syscall::futex:entry
/($1 == 0 || pid == $1) && ((arg1 & FUTEX_OPERATION) == FUTEX_WAIT ||
    (arg1 & FUTEX_OPERATION) == FUTEX_WAIT_BITSET ||
    (arg1 & FUTEX_OPERATION) == FUTEX_LOCK_PI)/
{
	self->lock = arg0;
	self->began = timestamp;
}

syscall::futex:return
/self->lock && $1/
{
	@stacks[ustack()] = sum((timestamp - self->began) / 1000);
}

/* EAGAIN: the lock was given up before the wait began. */
syscall::futex:return
/self->lock && errno != EAGAIN/
{
	this->time = (timestamp - self->began) / 1000;
	@waits[pid, execname, self->lock] = count();
	@ended[pid, execname, self->lock] = sum(errno != 0);
	@average[pid, execname, self->lock] = avg(this->time);
	@total[pid, execname, self->lock] = sum(this->time);
}

syscall::futex:return
{
	self->lock = 0;
	self->began = 0;
}

dtrace:::END
{
	printf("%8s %-16s %-14s %8s %8s %10s %12s\n", "PID", "COMMAND", "LOCK", "WAITS",
	    "TIMEOUTS", "AVG(us)", "SUM(us)");
	setopt("aggsortpos", "3");
	printa("%8d %-16s 0x%-12x %@8d %@8d %@10d %@12d\n", @waits, @ended, @average, @total);
	printa("%k%@20d us\n", @stacks);
}
