#!/usr/sbin/dtrace -Zs
tcl*:::proc-entry { @[copyinstr(arg0)] = count(); }
