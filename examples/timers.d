#!/usr/bin/env -S dscript -s
/*
 * timers.d - which timers of the kernel expire, and how much time do they take?
 *
 * Counts the functions that timers call, of both kinds: those counted in ticks (timeouts), and the
 * precise ones (hrtimer: sleeping processes, the scheduler's tick).  What wakes an idle
 * machine is among them.
 *
 * Usage: timers.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     KIND     FUNCTION                                        COUNT    AVG(ns)      SUM(ns)
 *     timer    vmlinux`tcp_delack_timer                           28       9706       271785
 *     timer    vmlinux`process_timeout                            60       8311       498688
 *     hrtimer  vmlinux`hrtimer_wakeup                            300       6002      1800618
 *     hrtimer  vmlinux`tick_nohz_handler                         312       8954      2793680
 *
 * Notes: Timers fire in interrupts; an interrupt in the middle is in the time.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t began[processorid_t];
uint64_t function[processorid_t];

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:timer::timer_expire_entry
{
	function[cpu] = (uint64_t)args[0]->function;
	began[cpu] = timestamp;
}

sdt:timer::hrtimer_expire_entry
{
	function[cpu] = (uint64_t)args[0]->function;
	began[cpu] = timestamp;
}

sdt:timer::timer_expire_exit,
sdt:timer::hrtimer_expire_exit
/began[cpu]/
{
	this->kind = probename == "timer_expire_exit" ? "timer" : "hrtimer";
	this->time = timestamp - began[cpu];
	@number[this->kind, func(function[cpu])] = count();
	@average[this->kind, func(function[cpu])] = avg(this->time);
	@total[this->kind, func(function[cpu])] = sum(this->time);
	began[cpu] = 0;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%-8s %-44s %8s %10s %12s\n", "KIND", "FUNCTION", "COUNT", "AVG(ns)", "SUM(ns)");
	printa("%-8s %-44a %@8d %@10d %@12d\n", @number, @average, @total);
}
