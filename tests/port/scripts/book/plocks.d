#!/usr/sbin/dtrace -s
plockstat$target:::mutex-block { @[ustack(5)] = count(); }
