#!/usr/sbin/dtrace -s
#pragma D option quiet
dtrace:::BEGIN { began = timestamp; }
syscall::*fork*:entry { self->forking = vtimestamp; }
syscall::*fork*:return /arg0 == 0 || self->forking/ { @forks = count(); self->forking = 0; }
proc:::exit { @ends[execname] = count(); }
