#!/usr/sbin/dtrace -s
vminfo:::zfod, vminfo:::cow_fault { @[execname, probename] = sum(arg0); }
