#!/usr/sbin/dtrace -s
pid$target:libc:malloc:entry { @[ustack(5)] = quantize(arg0); }
