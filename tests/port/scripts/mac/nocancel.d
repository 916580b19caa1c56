#!/usr/sbin/dtrace -s
syscall::read_nocancel:entry, syscall::write_nocancel:entry { @[execname, probefunc] = count(); }
