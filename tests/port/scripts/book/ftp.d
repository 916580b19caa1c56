#!/usr/sbin/dtrace -s
ftp*:::command-start { @[args[1]->ftp_cmd] = count(); }
