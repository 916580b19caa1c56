#!/usr/bin/env -S dscript -s
/*
 * permsnoop.d - who changes the owner or the mode of files?
 *
 * One line for each chmod(2), chown(2) and their relatives when it returns: the call,
 * the new mode (octal) or owner and group (-1: as it was), the error and the path.
 *
 * Usage: permsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       UID     PID COMM            CALL              NEW ERR PATH
 *         0   29512 chmod           fchmodat          640   0 d/a
 *         0   29513 chown           fchownat          1:2   0 d/a
 *         0   29526 python3         fchmod            600   0 /tmp/tmp.wTqTXMvv9i/q
 *         0   29526 python3         fchown           3:-1   0 /tmp/tmp.wTqTXMvv9i/q
 *
 * Notes: Linux 6.1 and later. Calls by descriptor show the file's full path, others the
 * path as the process gave it.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
{
	printf("%7s %7s %-15s %-9s %11s %3s %s\n", "UID", "PID", "COMM", "CALL", "NEW", "ERR", "PATH");
}

syscall::chmod:entry,
syscall::chown:entry,
syscall::lchown:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
	self->mode = arg1;
	self->group = arg2;
}

syscall::fchmodat:entry,
syscall::fchmodat2:entry,
syscall::fchownat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
	self->mode = arg2;
	self->group = arg3;
}

syscall::fchmod:entry,
syscall::fchown:entry
/$1 == 0 || progenyof($1)/
{
	self->file = fds[arg0].fi_pathname;
	self->mode = arg1;
	self->group = arg2;
}

syscall::*chmod*:return
/self->path || self->file != NULL/
{
	printf("%7d %7d %-15s %-9s %11o %3d %s\n", uid, pid, execname, probefunc, self->mode & 07777,
	    errno, self->path ? copyinstr(self->path) : self->file);
}

syscall::*chown*:return
/self->path || self->file != NULL/
{
	this->new = strjoin(lltostr((int)self->mode), strjoin(":", lltostr((int)self->group)));
	printf("%7d %7d %-15s %-9s %11s %3d %s\n", uid, pid, execname, probefunc, this->new,
	    errno, self->path ? copyinstr(self->path) : self->file);
}

syscall::*chmod*:return,
syscall::*chown*:return
{
	self->path = 0;
	self->file = 0;
}
