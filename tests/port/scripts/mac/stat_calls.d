#!/usr/sbin/dtrace -s
syscall::stat64:entry, syscall::lstat64:entry { @[execname, copyinstr(arg0)] = count(); }
