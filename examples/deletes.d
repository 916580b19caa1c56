#!/usr/bin/env -S dscript -s
/*
 * deletes.d - who deletes files?
 *
 * One line for each unlink(2), unlinkat(2) and rmdir(2) when it returns: the process,
 * the error's number (0 for none), the working folder and the path as given.
 *
 * Usage: deletes.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            CALL     ERR FOLDER                   PATH
 *   2026 Nov 21 09:20:28   29454 rm              unlinkat   0 /tmp/tmp.SEM44bVkly      d/b
 *   2026 Nov 21 09:20:28   29455 rm              unlinkat   2 /tmp/tmp.SEM44bVkly      d/none
 *   2026 Nov 21 09:20:28   29457 rmdir           rmdir      0 /tmp/tmp.SEM44bVkly      d/e
 *   2026 Nov 21 09:20:28   29461 rm              unlinkat   0 /tmp/tmp.SEM44bVkly/x/y  z
 *   2026 Nov 21 09:20:28   29461 rm              unlinkat   0 /tmp/tmp.SEM44bVkly/x    y
 *
 * Notes: Linux 6.1 and later. A path of unlinkat(2) may be relative to a descriptor
 * instead of the working folder, as rm -r does it; that folder is shown then. A file
 * over which another one is renamed goes, too: see renames.d.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

inline int AT_CWD = -100;	/* AT_FDCWD of fcntl.h: relative to the working folder */

BEGIN
{
	printf("%-20s %7s %-15s %-8s %3s %-24s %s\n", "TIME", "PID", "COMM", "CALL", "ERR", "FOLDER",
	    "PATH");
}

syscall::unlink:entry,
syscall::rmdir:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
	self->folder = cwd;
}

syscall::unlinkat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
	self->folder = (int)arg0 == AT_CWD ? cwd : fds[(int)arg0].fi_pathname;
}

syscall::unlink:return,
syscall::rmdir:return,
syscall::unlinkat:return
/self->path/
{
	printf("%Y %7d %-15s %-8s %3d %-24s %s\n", walltimestamp, pid, execname, probefunc, errno,
	    self->folder, copyinstr(self->path));
	self->path = 0;
	self->folder = 0;
}
