#!/usr/sbin/dtrace -s
#pragma D option quiet
vminfo:::pgpgin { @in[execname] = sum(arg0); }
vminfo:::pgpgout { @out[execname] = sum(arg0); }
tick-5sec { printa("%-16s in %@6d out %@6d\n", @in, @out); clear(@in); clear(@out); }
