#!/usr/sbin/dtrace -s
fbt::proc_exit:entry { @[execname] = count(); }
