#!/usr/sbin/dtrace -s
fbt::bdev_strategy:entry { began[arg0] = timestamp; }
fbt::biodone:entry /began[arg0]/ { @[args[0]->b_edev] = quantize(timestamp - began[arg0]); began[arg0] = 0; }
