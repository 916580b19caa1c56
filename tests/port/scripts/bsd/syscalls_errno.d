#!/usr/sbin/dtrace -s
syscall:::return /errno != 0/ { @[probefunc, errno] = count(); }
