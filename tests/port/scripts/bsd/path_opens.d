#!/usr/sbin/dtrace -s
syscall::open:entry { @[execname, copyinstr(arg0)] = count(); }
