#!/usr/sbin/dtrace -s
syscall::read:entry { printm(16, memref(copyin(arg1, 16), 16)); }
