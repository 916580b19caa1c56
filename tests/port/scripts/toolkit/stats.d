#!/usr/sbin/dtrace -qs
syscall::stat:entry, syscall::lstat:entry, syscall::stat64:entry { self->p = arg0; }
syscall::stat:return, syscall::lstat:return, syscall::stat64:return /self->p/ { printf("%s %d %s\n", execname, errno, copyinstr(self->p)); self->p = 0; }
