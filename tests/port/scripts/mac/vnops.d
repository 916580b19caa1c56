#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::VNOP_READ:entry { @[execname, stringof(args[0]->v_name)] = count(); }
