#!/usr/sbin/dtrace -s
tcp:::send /args[4]->tcp_flags & TH_PUSH/ { @[args[2]->ip_daddr] = count(); }
