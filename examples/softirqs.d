#!/usr/bin/env -S dscript -s
/*
 * softirqs.d - how much CPU time do software interrupts take, and which?
 *
 * Measures what the kernel does behind device interrupts: network packets, block I/O, timers, RCU.
 * Prints for each kind the number, the average, the longest and the sum.
 *
 * Usage: softirqs.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     SOFTIRQ         COUNT    AVG(us)    MAX(us)      SUM(us)
 *     sched              13          4          9           54
 *     timer               7         11         49           80
 *     net_rx             18         13         66          243
 *     rcu                29         10         44          313
 *
 * Notes: The time counts for whatever process is interrupted; a device interrupt within it is in
 *     it.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t began[processorid_t];

/* The order of the kernel's enum in linux/interrupt.h. */
inline string vector_name[uint32_t vector] =
    vector == 0 ? "hi" : vector == 1 ? "timer" : vector == 2 ? "net_tx" :
    vector == 3 ? "net_rx" : vector == 4 ? "block" : vector == 5 ? "irq_poll" :
    vector == 6 ? "tasklet" : vector == 7 ? "sched" : vector == 8 ? "hrtimer" : "rcu";

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:irq::softirq_entry
{
	began[cpu] = timestamp;
}

sdt:irq::softirq_exit
/began[cpu]/
{
	this->time = (timestamp - began[cpu]) / 1000;
	began[cpu] = 0;
	this->name = vector_name[args[0]];
	@number[this->name] = count();
	@average[this->name] = avg(this->time);
	@longest[this->name] = max(this->time);
	@total[this->name] = sum(this->time);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%-12s %8s %10s %10s %12s\n", "SOFTIRQ", "COUNT", "AVG(us)", "MAX(us)", "SUM(us)");
	setopt("aggsortpos", "3");
	printa("%-12s %@8d %@10d %@10d %@12d\n", @number, @average, @longest, @total);
}
