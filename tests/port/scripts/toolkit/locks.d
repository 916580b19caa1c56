#!/usr/sbin/dtrace -s
lockstat:::adaptive-block { @time[execname] = sum(arg1); @n[execname] = count(); }
