#!/usr/sbin/dtrace -s
syscall::ioctl:entry { @[execname, fds[arg0].fi_name, arg1] = count(); }
