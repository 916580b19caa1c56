#!/usr/sbin/dtrace -s
#pragma D option quiet
BEGIN { printf("%s\n", ; }
