#!/usr/sbin/dtrace -s
io:mach_kernel:buf_strategy:start { @[execname] = sum(args[0]->b_bcount); }
