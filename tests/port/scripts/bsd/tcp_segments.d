#!/usr/sbin/dtrace -s
fbt::tcp_do_segment:entry { @[((struct tcpcb *)args[3])->t_state] = count(); }
