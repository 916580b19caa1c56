#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::fop_lookup:entry { self->dir = args[0]; self->t = timestamp; }
fbt::fop_lookup:return /self->t/ { @[stringof(self->dir->v_path)] = quantize(timestamp - self->t); self->t = 0; }
