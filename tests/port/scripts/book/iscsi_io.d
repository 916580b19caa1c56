#!/usr/sbin/dtrace -s
iscsi:::xfer-start { @[args[0]->ci_remote] = sum(args[2]->xfer_len); }
