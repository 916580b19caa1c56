#!/usr/sbin/dtrace -s
fsinfo:::read, fsinfo:::write { @[execname, probename, args[0]->fi_pathname] = sum(arg1); }
