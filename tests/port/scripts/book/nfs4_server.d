#!/usr/sbin/dtrace -s
nfsv4:::op-write-start { @[args[0]->ci_remote] = count(); }
