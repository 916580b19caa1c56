#!/usr/sbin/dtrace -s
#pragma D option quiet
sched:::off-cpu { off[cpu] = timestamp; }
sched:::on-cpu
/off[cpu]/
{
	@n[cpu] = count();
	@t[cpu] = sum(timestamp - off[cpu]);
	off[cpu] = 0;
}
tick-1s { normalize(@t, 1000); printa("%4d %@8d %@10d us\n", @n, @t); clear(@n); clear(@t); }
