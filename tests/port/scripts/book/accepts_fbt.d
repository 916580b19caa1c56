#!/usr/sbin/dtrace -s
fbt:sockfs:sotpi_accept:entry { @[execname] = count(); }
fbt:sockfs:sotpi_accept:return /arg1 == 0/ { @ok = count(); }
