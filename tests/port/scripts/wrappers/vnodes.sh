#!/bin/sh
dtrace -qn '
fbt::fop_write:entry { @[execname, stringof(args[0]->v_path)] = count(); }
tick-'"${1:-10}"'s { exit(0); }
'
