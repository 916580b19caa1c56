#!/usr/sbin/dtrace -s
smb:::op-Read-start { @[args[0]->ci_remote] = count(); }
