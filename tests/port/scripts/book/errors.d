#!/usr/sbin/dtrace -s
#pragma D option quiet
dtrace:::BEGIN { err[ENOENT] = "no such file"; err[EACCES] = "permission"; }
syscall:::return
/errno && err[errno] != NULL/
{
	@[execname, probefunc, err[errno]] = count();
}
