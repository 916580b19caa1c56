#!/usr/sbin/dtrace -Zs
#pragma D option quiet
ruby*:::function-entry { @[copyinstr(arg0), copyinstr(arg1)] = count(); }
ruby$target:::function-return, ruby*:::function-return { @ends = count(); }
