#!/usr/bin/env -S dscript -s
/*
 * renames.d - which files get another name?
 *
 * One line for each rename(2), renameat(2) and renameat2(2) when it returns: the
 * process, the error's number (0 for none), the old path and the new one. Editors and
 * package managers replace files this way.
 *
 * Usage: renames.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            ERR PATHS
 *   2026 Nov 21 09:20:29   29474 mv                0 d/a -> d/b
 *
 * Notes: Linux 6.1 and later. Paths are shown as the process gave them.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
{
	printf("%-20s %7s %-15s %3s %s\n", "TIME", "PID", "COMM", "ERR", "PATHS");
}

syscall::rename:entry
/$1 == 0 || progenyof($1)/
{
	self->from = arg0;
	self->to = arg1;
}

syscall::renameat:entry,
syscall::renameat2:entry
/$1 == 0 || progenyof($1)/
{
	self->from = arg1;
	self->to = arg3;
}

syscall::rename:return,
syscall::renameat:return,
syscall::renameat2:return
/self->from/
{
	printf("%Y %7d %-15s %3d %s -> %s\n", walltimestamp, pid, execname, errno,
	    copyinstr(self->from), copyinstr(self->to));
	self->from = 0;
	self->to = 0;
}
