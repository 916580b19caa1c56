#!/usr/sbin/dtrace -s
#pragma D option flowindent
#pragma D option switchrate
syscall::$1:entry { self->on = 1; }
fbt::: /self->on/ { }
syscall::$1:return /self->on/ { self->on = 0; exit(0); }
