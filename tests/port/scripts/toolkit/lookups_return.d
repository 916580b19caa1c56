#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::fop_readdir:entry { self->t = timestamp; self->dir = args[0]->v_path; }
fbt::fop_readdir:return /self->t/ { @[self->dir] = max(timestamp - self->t); self->t = 0; self->dir = 0; }
