#!/usr/sbin/dtrace -s
sched:::sleep { self->from = timestamp; }
sched:::wakeup { @[execname, args[1]->pr_pid] = count(); }
