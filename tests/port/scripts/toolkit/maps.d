#!/usr/sbin/dtrace -s
syscall::mmap64:entry, syscall::mmap:entry { @[execname] = sum(arg1); }
