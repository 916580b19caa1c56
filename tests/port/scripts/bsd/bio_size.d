#!/usr/sbin/dtrace -s
io:::start { @[execname] = quantize(((struct bio *)args[0])->bio_bcount); }
