#!/usr/bin/env -S dscript -s
/*
 * cputimes.d - how much time do the CPUs spend idle, in kernel threads, in processes?
 *
 * Adds up the time between context switches, for each CPU: idle, threads of the kernel
 * (interrupt threads, workers), and processes with the system calls they make.
 *
 * Usage: cputimes.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     CPU CLASS        TIME(ms)  PERCENT
 *       0 kernel             29        3
 *       0 process           782       94
 *       1 idle                3        0
 *       1 kernel              6        0
 *       1 process           804       96
 *
 * Notes: Interrupts count for what they interrupt; intoncpu.d and softirqs.d have their times.
 *     Every context switch is seen: some percent at hundreds of thousands of switches a second.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t since[processorid_t];	/* the last context switch of each CPU */

uint64_t since[processorid_t];	/* the last context switch of each CPU */

dtrace:::BEGIN
{
	begun = timestamp;
	printf("Tracing... Ctrl-C ends.\n");
}

/* Ten times a second the time so far is charged, so that a long stretch is not lost at the end. */
sched:::off-cpu,
profile:::profile-10
/since[cpu]/
{
	this->class = pid == 0 ? "idle" : curlwpsinfo->pr_flag & PR_ISSYS ? "kernel" : "process";
	this->time = timestamp - since[cpu];
	@ms[cpu, this->class] = sum(this->time);
	@share[cpu, this->class] = sum(this->time * 100);
}

sched:::on-cpu,
profile:::profile-10
{
	since[cpu] = timestamp;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	normalize(@ms, 1000000);
	normalize(@share, timestamp - begun);
	setopt("aggsortkey");
	printf("\n%3s %-10s %10s %8s\n", "CPU", "CLASS", "TIME(ms)", "PERCENT");
	printa("%3d %-10s %@10d %@8d\n", @ms, @share);
}
