#!/usr/sbin/dtrace -s
#pragma D option quiet
mysql*:::query-start { self->q = copyinstr(arg0); self->t = timestamp; }
mysql*:::query-done /self->t/ { @[self->q] = quantize(timestamp - self->t); self->t = 0; }
