#!/usr/sbin/dtrace -s
proc:::exec-success { printf("%s", execname); }
