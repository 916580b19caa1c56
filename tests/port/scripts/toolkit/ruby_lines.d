#!/usr/sbin/dtrace -Zs
ruby*:::line { @[basename(copyinstr(arg0)), arg1] = count(); }
