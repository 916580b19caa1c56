#!/usr/sbin/dtrace -s
pid$target:libsocket:connect:entry, pid$target:libsocket:accept:entry { @[probefunc] = count(); }
