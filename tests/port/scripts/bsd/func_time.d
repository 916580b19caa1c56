#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::$$1:entry { self->t = timestamp; }
fbt::$$1:return /self->t/ { @[probefunc] = quantize(timestamp - self->t); self->t = 0; }
