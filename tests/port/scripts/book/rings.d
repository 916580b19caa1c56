#!/usr/sbin/dtrace -s
#pragma D option bufpolicy=ring
#pragma D option bufsize=64k
syscall:::entry { trace(execname); }
