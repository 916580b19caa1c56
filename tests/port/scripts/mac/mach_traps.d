#!/usr/sbin/dtrace -s
mach_trap:::entry { @[probefunc] = count(); }
