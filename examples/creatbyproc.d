#!/usr/bin/env -S dscript -s
/*
 * creatbyproc.d - who makes new files and directories, and where?
 *
 * One line for each open with O_CREAT, mkdir, symlink, link and mknod that
 * succeeded, with the path as the process gave it.
 *
 * Usage: creatbyproc.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            HOW        PATH
 *   2026 Nov 21 09:20:10   29042 mktemp          mkdir      /tmp/tmp.4UnHJVuTQn
 *   2026 Nov 21 09:20:10   29043 mkdir           mkdir      d
 *   2026 Nov 21 09:20:10   29044 touch           open       d/a
 *   2026 Nov 21 09:20:10   29045 ln              symlinkat  d/l
 *   2026 Nov 21 09:20:10   29046 ln              linkat     d/h
 *   2026 Nov 21 09:20:10   29036 sh              open       /dev/null
 *   2026 Nov 21 09:20:10   29036 sh              open       d/b
 *
 * Notes: Linux 6.1 and later. An open with O_CREAT of a file that was already
 * there counts, too, but with O_EXCL ("new"), where it would have failed.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
{
	printf("%-20s %7s %-15s %-10s %s\n", "TIME", "PID", "COMM", "HOW", "PATH");
}

syscall::openat:entry
/(arg2 & O_CREAT) && ($1 == 0 || progenyof($1))/
{
	self->path = arg1;
	self->how = arg2 & O_EXCL ? "new" : "open";
}

syscall::open:entry
/(arg1 & O_CREAT) && ($1 == 0 || progenyof($1))/
{
	self->path = arg0;
	self->how = arg1 & O_EXCL ? "new" : "open";
}

syscall::creat:entry,
syscall::mkdir:entry,
syscall::mknod:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
	self->how = probefunc;
}

syscall::link:entry,
syscall::symlink:entry,
syscall::mkdirat:entry,
syscall::mknodat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
	self->how = probefunc;
}

syscall::symlinkat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg2;
	self->how = probefunc;
}

syscall::linkat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg3;
	self->how = probefunc;
}

syscall::open*:return,
syscall::creat:return,
syscall::mk*:return,
syscall::*link*:return
/self->path && errno == 0/
{
	printf("%Y %7d %-15s %-10s %s\n", walltimestamp, pid, execname, self->how,
	    copyinstr(self->path));
}

syscall::open*:return,
syscall::creat:return,
syscall::mk*:return,
syscall::*link*:return
{
	self->path = 0;
	self->how = 0;
}
