#!/usr/sbin/dtrace -s
sdt:::taskq-enqueue { when[arg1] = timestamp; }
sdt:::taskq-exec-start /when[arg1]/ { @ = quantize(timestamp - when[arg1]); when[arg1] = 0; }
