#!/usr/sbin/dtrace -s
syscall::read:entry { self->start = timestamp; }
syscall::read:return /self->start && arg0 > 0/ { @bytes[execname] = quantize(arg0); self->start = 0; }
