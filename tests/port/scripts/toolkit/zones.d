#!/usr/sbin/dtrace -qs
syscall::creat:entry { printf("%s %d %s\n", zonename, curpsinfo->pr_zoneid, copyinstr(arg0)); }
