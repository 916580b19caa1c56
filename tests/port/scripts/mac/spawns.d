#!/usr/sbin/dtrace -s
syscall::posix_spawn:entry { @[execname] = count(); }
