#!/usr/sbin/dtrace -s
vminfo:::as_fault { @minor[execname] = sum(arg0); }
