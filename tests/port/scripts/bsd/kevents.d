#!/usr/sbin/dtrace -s
syscall::kevent:entry, syscall::poll:entry { @[probefunc, execname] = count(); }
