#!/usr/sbin/dtrace -s
sysinfo:::readch { @read[execname] = sum(arg0); }
sysinfo:::writech { @written[execname] = sum(arg0); }
tick-1sec { printf("\n"); printa("%16s %@10d %@10d\n", @read, @written); trunc(@read); trunc(@written); }
