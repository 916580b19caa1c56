#!/usr/sbin/dtrace -Zs
#pragma D option quiet
perl*:::sub-entry { @[copyinstr(arg0), basename(copyinstr(arg1))] = count(); }
dtrace:::END { printa("%-20s %-20s %@8d\n", @); }
