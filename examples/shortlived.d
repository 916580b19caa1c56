#!/usr/bin/env -S dscript -s
/*
 * shortlived.d - how much work goes into processes that live for a moment only?
 *
 * Counts the processes that ended, by command and by what started them, with the time
 * they lived and the CPU time they used, both in milliseconds; longest life last.
 *
 * Usage: shortlived.d [MILLISECONDS]
 *   MILLISECONDS  counts processes that lived at most that long; 1000 if not given
 *
 * Sample:
 *   COMM             PARENT              LIVED(ms)      CPU(ms)    COUNT
 *   crash            sh                          0            0        1
 *   sh               sh                          0            0        1
 *   s                sh                          0            0        1
 *   rm               sh                          0            0        1
 *   chmod            sh                          1            0        1
 *
 * Notes: Linux 6.1 and later. A build or a shell script that takes long while no single
 * process does shows its reason here. CPU time is that of all the process's threads.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int64_t LIMIT = ($1 ? $1 : 1000) * 1000000LL;	/* nanoseconds */

proc:::exit
/timestamp - curthread->group_leader->start_time <= LIMIT/
{
	this->parent = stringof(curthread->real_parent->comm);
	this->cpu = curthread->se.sum_exec_runtime + curthread->signal->sum_sched_runtime;
	@life[execname, this->parent] = sum(timestamp - curthread->group_leader->start_time);
	@cpu[execname, this->parent] = sum(this->cpu);
	@count[execname, this->parent] = count();
}

END
{
	normalize(@life, 1000000);
	normalize(@cpu, 1000000);
	printf("%-16s %-16s %12s %12s %8s\n", "COMM", "PARENT", "LIVED(ms)", "CPU(ms)", "COUNT");
	printa("%-16s %-16s %@12d %@12d %@8d\n", @life, @cpu, @count);
}
