#!/usr/sbin/dtrace -s
fsinfo::: { @[execname, probename] = count(); }
