#!/usr/sbin/dtrace -s
/* How often a kernel function runs: its name is the argument. */
fbt::$1:entry { @[execname] = count(); }
