#!/usr/sbin/dtrace -s
ip:::send, ip:::receive { @[probename, args[2]->ip_ver, args[2]->ip_saddr] = count(); }
