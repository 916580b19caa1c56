#!/usr/sbin/dtrace -s
pid$target:libSystem.B.dylib:malloc:entry { @ = quantize(arg0); }
