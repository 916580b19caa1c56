#!/usr/sbin/dtrace -s
dtmalloc::temp:malloc { @ = quantize(arg3); }
