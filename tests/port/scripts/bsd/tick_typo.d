#!/usr/sbin/dtrace -s
syscall:::entry { @ = count(); }
profile:::tick-5seconds { printa(@); exit(0); }
