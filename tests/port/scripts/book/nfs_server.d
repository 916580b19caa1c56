#!/usr/sbin/dtrace -s
#pragma D option quiet
nfsv3:::op-read-start { @[args[0]->ci_remote, args[1]->noi_curpath] = sum(args[2]->count); }
