#!/usr/bin/env -S dscript -s
/*
 * iowait.d - which processes wait for disks, and how long?
 *
 * Counts the times that a thread slept until an I/O was done, by process, with the
 * total and the longest time in microseconds, most waiting last.
 *
 * Usage: iowait.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                  TOTAL(us)      WAITS  LONGEST(us)
 *     29608 python3                    3696         31         1028
 *
 * Notes: Linux 6.1 and later. This is the iowait that top(1) shows for CPUs, told by
 * process. It counts also threads that wait for a page another one is reading.
 */

#pragma D option quiet
#pragma D option defaultargs

io:::wait-start
/$1 == 0 || progenyof($1)/
{
	self->start = timestamp;
}

io:::wait-done
/self->start/
{
	this->time = timestamp - self->start;
	@total[pid, execname] = sum(this->time);
	@waits[pid, execname] = count();
	@longest[pid, execname] = max(this->time);
	self->start = 0;
}

END
{
	normalize(@total, 1000);
	normalize(@longest, 1000);
	printf("%7s %-16s %14s %10s %12s\n", "PID", "COMM", "TOTAL(us)", "WAITS", "LONGEST(us)");
	printa("%7d %-16s %@14d %@10d %@12d\n", @total, @waits, @longest);
}
