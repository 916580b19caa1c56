#!/usr/sbin/dtrace -qs
proc:::exec-success { printf("%d %d %s\n", curpsinfo->pr_projid, curpsinfo->pr_taskid, execname); }
