#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt:zfs:zfs_read:entry { self->path = args[0]->v_path; self->n = args[1]->uio_resid; }
fbt:zfs:zfs_read:return /self->path/ { @[stringof(self->path)] = sum(self->n); self->path = 0; }
