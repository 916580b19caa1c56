#!/usr/sbin/dtrace -s
sdt:zfs::arc-hit, sdt:zfs::arc-miss { @[probename, execname] = count(); }
