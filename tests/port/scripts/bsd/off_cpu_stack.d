#!/usr/sbin/dtrace -s
sched:::off-cpu { self->ts = timestamp; }
sched:::on-cpu /self->ts/ { @[stack(), ustack(), execname] = sum((timestamp - self->ts) / 1000); self->ts = 0 }
