#!/usr/sbin/dtrace -s
mib:::tcpRetransSegs { @[execname] = sum(arg0); }
