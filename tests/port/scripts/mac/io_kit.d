#!/usr/sbin/dtrace -s
fbt:com.apple.iokit.IOStorageFamily::entry { @[probefunc] = count(); }
