#!/usr/sbin/dtrace -s
syscall::read:entry { self->ts = timestamp; }
syscall::read:return /self->ts/ { @["ns"] = quantize(timestamp - self->ts); self->ts = 0; }
