#!/usr/sbin/dtrace -s
syscall::door_call:entry { @[execname] = count(); }
