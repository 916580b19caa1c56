#!/usr/sbin/dtrace -s
vfs::vop_read:entry { @[execname] = count(); }
