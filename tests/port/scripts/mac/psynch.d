#!/usr/sbin/dtrace -s
syscall::psynch_mutexwait:entry { @[execname, ustack()] = count(); }
