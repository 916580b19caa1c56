#!/usr/sbin/dtrace -s
fbt::sleepq_add:entry { @[stringof(args[2])] = count(); }
