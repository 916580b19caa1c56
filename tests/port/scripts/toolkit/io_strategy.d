#!/usr/sbin/dtrace -s
#pragma D option quiet
io::bdev_strategy:start { @bytes[args[1]->dev_statname] = sum(args[0]->b_bcount); }
tick-1sec { printa("%-10s %@12d\n", @bytes); trunc(@bytes); }
