#!/usr/sbin/dtrace -s
#pragma D option quiet
dtrace:::BEGIN { n = 0; }
proc:::exec-success { printf("%d %s\n", ++n, curpsinfo->pr_psargs); }
