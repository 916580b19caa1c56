#!/usr/sbin/dtrace -s
mib:::icmp* { @[probename] = sum(arg0); }
