#!/usr/sbin/dtrace -s
syscall::door_call:entry, syscall::read:entry { @[execname, probefunc] = count(); }
