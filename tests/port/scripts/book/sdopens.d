#!/usr/sbin/dtrace -s
fbt:sd:sdopen:entry { @[execname, stack()] = count(); }
