#!/usr/sbin/dtrace -s
#pragma D option quiet
/* Bytes read by path, below the file systems. */
fbt::fop_read:entry
/args[0]->v_path != NULL/
{
	@[execname, stringof(args[0]->v_path)] = count();
}
