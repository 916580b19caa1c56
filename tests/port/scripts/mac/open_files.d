#!/usr/sbin/dtrace -qs
syscall::open_nocancel:entry, syscall::open:entry { printf("%s %s\n", execname, copyinstr(arg0)); }
