#!/usr/sbin/dtrace -s
fbt::kern_openat:entry { @[execname] = count(); }
