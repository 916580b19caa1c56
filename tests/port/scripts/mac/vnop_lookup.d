#!/usr/sbin/dtrace -s
fbt::VNOP_LOOKUP:entry { @[stringof(((struct componentname *)arg2)->cn_nameptr)] = count(); }
