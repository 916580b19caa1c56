#!/usr/sbin/dtrace -s
#pragma D option quiet
#pragma D option defaultargs
BEGIN { $1 ? printf("for %d s\n", $1) : printf("until Ctrl-C\n"); left = $1 ? $1 : -1; }
profile-97hz /pid/ { @[execname] = lquantize(cpu, 0, 64, 1); }
tick-1s { left--; }
tick-1s /left == 0/ { exit(0); }
