#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::cmn_err:entry { printf("%Y %s\n", walltimestamp, stringof(args[1])); }
