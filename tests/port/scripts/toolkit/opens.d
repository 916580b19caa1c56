#!/usr/sbin/dtrace -s
/* Which files are opened, and by whom; failures are counted by error. */
#pragma D option quiet
#pragma D option switchrate=10hz

dtrace:::BEGIN { printf("%-20s %6s %-16s %4s %s\n", "TIME", "PID", "PROGRAM", "FD", "PATH"); }

syscall::open:entry, syscall::open64:entry { self->path = arg0; self->inside = 1; }

syscall::open:return, syscall::open64:return
/self->inside/
{
	printf("%-20Y %6d %-16s %4d %S\n", walltimestamp, pid, execname, (int)arg0,
	    copyinstr(self->path));
	errno ? @failed[errno] = count() : 1;
	self->inside = 0;
	self->path = 0;
}
