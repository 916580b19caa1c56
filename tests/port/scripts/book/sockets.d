#!/usr/sbin/dtrace -s
#pragma D option quiet
syscall::read:entry /fds[arg0].fi_fs == "sockfs"/ { self->s = 1; }
syscall::read:return /self->s && (int)arg0 > 0/ { @r[execname] = sum(arg0); }
syscall::read:return { self->s = 0; }
