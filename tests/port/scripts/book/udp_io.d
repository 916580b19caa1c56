#!/usr/sbin/dtrace -s
udp:::send { @sent[args[2]->ip_daddr, args[4]->udp_dport] = sum(args[4]->udp_length); }
