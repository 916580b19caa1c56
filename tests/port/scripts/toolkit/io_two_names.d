#!/usr/sbin/dtrace -s
fbt::bdev_strategy:entry { @[stringof(args[0]->b_vp->v_path)] = count(); }
