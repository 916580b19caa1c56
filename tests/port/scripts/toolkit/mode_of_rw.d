#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::fop_write:entry { @[stringof(args[0]->v_op->vnop_name), execname] = sum(args[1]->uio_resid); }
END { printa("%-8s %-16s %@d\n", @); }
