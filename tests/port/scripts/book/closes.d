#!/usr/sbin/dtrace -s
fbt:genunix:fop_close:entry /args[0]->v_path/ { @[execname, cleanpath(args[0]->v_path)] = count(); }
