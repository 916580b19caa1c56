#!/usr/sbin/dtrace -s
syscall:::entry { @[pid, execname] = count(); }
profile:::tick-5s { exit(0); }
