#!/usr/sbin/dtrace -s
sdt:::interrupt-start { @[cpu] = count(); }
