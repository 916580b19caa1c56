#!/usr/sbin/dtrace -s
syscall::openat:entry { self->s = speculation(); speculate(self->s); printf("%s", copyinstr(arg1)); }
syscall::openat:return /self->s && errno/ { commit(self->s); self->s = 0; }
syscall::openat:return /self->s && !errno/ { discard(self->s); self->s = 0; }
