#!/usr/sbin/dtrace -Zs
javascript*:::function-entry { @[copyinstr(arg2)] = count(); }
