#!/usr/sbin/dtrace -s
#pragma D option quiet
syscall::read:entry, syscall::pread64:entry
/fds[arg0].fi_fs != "sockfs"/
{
	@[execname, fds[arg0].fi_pathname, fds[arg0].fi_mount] = sum(arg2);
}
tick-10s { trunc(@, 5); printa("%-16s %-40s %-10s %@d\n", @); exit(0); }
