#!/usr/sbin/dtrace -s
sched:::off-cpu { self->start = timestamp; }
sched:::on-cpu /self->start/
{
	@[stack(), execname] = sum(timestamp - self->start);
	self->start = 0;
}
