#!/usr/sbin/dtrace -s
#pragma D option quiet
vfs:namei:lookup:entry { @[execname, stringof(arg1)] = count(); }
