#!/usr/sbin/dtrace -s
#pragma D option quiet
syscall:::entry { @calls[execname, probefunc] = count(); }
dtrace:::END { trunc(@calls, 20); printa("%-16s %-20s %@8d\n", @calls); }
