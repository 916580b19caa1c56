#!/usr/sbin/dtrace -s
#pragma D option quiet
profile:::profile-101 /pid != 0/ { @[pid, execname] = lquantize(tid, 0, 128, 1); }
tick-1s { printa("%d %s\n%@d\n", @); trunc(@); }
