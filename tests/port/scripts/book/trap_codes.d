#!/usr/sbin/dtrace -s
fbt::trap:entry { @[arg2, execname] = count(); }
