#!/usr/sbin/dtrace -s
syscall::forksys:return, syscall::vfork:return { @[execname] = count(); }
