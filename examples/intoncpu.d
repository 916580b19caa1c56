#!/usr/bin/env -S dscript -s
/*
 * intoncpu.d - how much CPU time do the handlers of device interrupts take?
 *
 * Measures each interrupt handler from its start to its end.  Prints for each CPU and device the
 * number, the sum, the average and the longest, in nanoseconds.
 *
 * Usage: intoncpu.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     CPU DEVICE                          COUNT    AVG(ns)    MAX(ns)      SUM(ns)
 *       0 virtio3-rx                          1      21141      21141        21141
 *       1 virtio3-tx                          3       7281      10907        21843
 *       1 virtio1-req.0                      11       5702      19499        62722
 *
 * Notes: What a driver leaves for later is not in it: softirqs.d and workqueues.d.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t began[processorid_t];

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:::interrupt-start
{
	began[cpu] = timestamp;
}

sdt:::interrupt-complete
/began[cpu]/
{
	this->time = timestamp - began[cpu];
	began[cpu] = 0;
	@total[cpu, stringof(args[0]->name)] = sum(this->time);
	@number[cpu, stringof(args[0]->name)] = count();
	@average[cpu, stringof(args[0]->name)] = avg(this->time);
	@longest[cpu, stringof(args[0]->name)] = max(this->time);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%3s %-28s %8s %10s %10s %12s\n", "CPU", "DEVICE", "COUNT", "AVG(ns)", "MAX(ns)",
	    "SUM(ns)");
	setopt("aggsortpos", "3");
	printa("%3d %-28s %@8d %@10d %@10d %@12d\n", @number, @average, @longest, @total);
}
