#!/usr/sbin/dtrace -s
fbt::bdev_strategy:entry { @[execname] = quantize(args[0]->b_bcount); }
