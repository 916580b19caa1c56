#!/usr/sbin/dtrace -Zs
postgresql*:::query-start { @[copyinstr(arg0)] = count(); }
