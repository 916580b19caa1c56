#!/usr/sbin/dtrace -s
sched:::wakeup { @[execname, stringof(args[1]->pr_fname)] = count(); }
