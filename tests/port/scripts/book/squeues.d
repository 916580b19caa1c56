#!/usr/sbin/dtrace -s
fbt:ip:squeue_enter*:entry { @[((squeue_t *)arg0)->sq_count] = count(); }
