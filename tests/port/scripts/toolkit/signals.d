#!/usr/sbin/dtrace -s
#pragma D option quiet
proc:::signal-send { @[execname, stringof(args[1]->pr_fname), args[2]] = count(); }
END { printa("%-16s %-16s %4d %@6d\n", @); }
