#!/usr/sbin/dtrace -Zs
sh*:::line { @[basename(copyinstr(arg0)), arg1] = count(); }
