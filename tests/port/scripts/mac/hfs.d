#!/usr/sbin/dtrace -s
fbt:mach_kernel:hfs_vnop_write:entry { @[execname] = count(); }
