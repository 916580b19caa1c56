#!/usr/sbin/dtrace -Zs
php*:::function-entry { @[copyinstr(arg0), basename(copyinstr(arg1)), arg2] = count(); }
