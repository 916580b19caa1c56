#!/usr/sbin/dtrace -s
/* a comment that never ends
syscall::read:entry { @[execname] = count(); }
