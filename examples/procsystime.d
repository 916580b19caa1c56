#!/usr/bin/env -S dscript -s
/*
 * procsystime.d - in which system calls does a process spend its time?
 *
 * For each system call: how often it was made, how long it took in all, waiting
 * included, and how much of that was spent on a CPU, in microseconds; slowest last.
 *
 * Usage: procsystime.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   CALL                           TIME(us)        CPU(us)      COUNT
 *   pread64                               5              6          8
 *   read                                 22             24         16
 *   openat                              247            256         99
 *   execve                              529            480          3
 *   clock_nanosleep                  101514             25          1
 *   wait4                            105853             60          6
 *
 * Notes: Linux 6.1 and later. Calls that had begun before tracing did, or have not
 * returned at its end, are not counted. To wait is most of what read, poll, futex and
 * nanosleep are there for: TIME without CPU is no load.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall:::entry
/$1 == 0 || progenyof($1)/
{
	self->cpu = vtimestamp;
	self->start = timestamp;
}

syscall:::return
/self->start/
{
	@calls[probefunc] = count();
	@time[probefunc] = sum(timestamp - self->start);
	@cpu[probefunc] = sum(vtimestamp - self->cpu);
	self->start = 0;
}

END
{
	normalize(@time, 1000);
	normalize(@cpu, 1000);
	printf("%-24s %14s %14s %10s\n", "CALL", "TIME(us)", "CPU(us)", "COUNT");
	printa("%-24s %@14d %@14d %@10d\n", @time, @cpu, @calls);
}
