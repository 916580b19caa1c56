#!/usr/bin/env -S dscript -s
/*
 * nicesnoop.d - who changes priorities and scheduling classes?
 *
 * Prints a line for each setpriority(), sched_setscheduler(), sched_setparam() and
 * sched_setattr(): who called, for which process (0 is the caller itself), what was asked for,
 * and the error if it was refused.
 *
 * Usage: nicesnoop.d
 *
 * Sample:
 *          PID COMMAND          CALL                   TARGET  VALUE  ERRNO
 *        25993 renice           setpriority             25992      5      0
 *        25994 nice             setpriority                 0      8      0
 *        25995 chrt             sched_setscheduler          0      3      0
 *
 * Notes: VALUE is the nice value, or the number of the class asked for (0 other, 1 FIFO, 2 RR,
 *     3 batch, 5 idle, 6 deadline); of sched_setparam() it is the real-time priority.
 */

#pragma D option quiet

dtrace:::BEGIN
{
	printf("%8s %-16s %-20s %8s %6s %6s\n", "PID", "COMMAND", "CALL", "TARGET", "VALUE",
	    "ERRNO");
}

syscall::setpriority:entry
{
	self->target = arg1;
	self->value = (int)arg2;
}

syscall::sched_setscheduler:entry
{
	self->target = arg0;
	self->value = (int)arg1;
}

/* struct sched_param is the priority alone; of struct sched_attr the policy comes second. */
syscall::sched_setparam:entry
{
	self->target = arg0;
	self->value = *(int *)copyin(arg1, 4);
}

syscall::sched_setattr:entry
{
	self->target = arg0;
	self->value = *(int *)copyin(arg1 + 4, 4);
}

syscall::setpriority:return,
syscall::sched_setscheduler:return,
syscall::sched_setparam:return,
syscall::sched_setattr:return
{
	printf("%8d %-16s %-20s %8d %6d %6d\n", pid, execname, probefunc, self->target,
	    self->value, errno);
	self->target = 0;
	self->value = 0;
}
