#!/usr/sbin/dtrace -Zs
ruby*:::method-entry { @[copyinstr(arg0), copyinstr(arg1)] = count(); }
