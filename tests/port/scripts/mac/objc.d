#!/usr/sbin/dtrace -s
objc$target:NSString::entry { @[probefunc] = count(); }
