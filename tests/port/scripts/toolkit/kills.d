#!/usr/sbin/dtrace -qs
syscall::kill:entry { self->to = (int)arg0; self->sig = (int)arg1; }
syscall::kill:return { printf("%d %s %d %d %d\n", pid, execname, self->sig, self->to, (int)arg0); }
