#!/usr/bin/env -S dscript -s
/*
 * statsnoop.d - whose attributes are being asked for, and does the file exist?
 *
 * One line for each stat(2), lstat(2), newfstatat(2), statx(2), access(2) and
 * faccessat(2) when it returns: the process, the call, the error's number (0 for
 * none) and the path. Programs that search for a file in many places show up
 * here with error 2 (ENOENT).
 *
 * Usage: statsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       UID     PID COMM            CALL         ERR PATH
 *         0   28850 python3.11      access         2 /etc/ld.so.preload
 *         0   28850 python3.11      newfstatat     2 /root/.pyenv/versions/3.11.7/bin/pyvenv.cfg
 *         0   28850 python3.11      newfstatat     2 /root/.pyenv/versions/3.11.7/pyvenv.cfg
 *         0   28850 python3.11      newfstatat     2 /root/.pyenv/versions/3.11.7/lib/python3.11
 *         0   28850 python3.11      newfstatat     2 /root/.pyenv/versions/3.11.7/lib/python3.11
 *
 * Notes: Linux 6.1 and later. fstat(2) has no path and is left out, and so are
 * calls with an empty path, by which libraries do the same.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
{
	printf("%7s %7s %-15s %-12s %3s %s\n", "UID", "PID", "COMM", "CALL", "ERR", "PATH");
}

syscall::stat:entry,
syscall::lstat:entry,
syscall::access:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
}

syscall::newfstatat:entry,
syscall::statx:entry,
syscall::faccessat:entry,
syscall::faccessat2:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
}

syscall::stat:return,
syscall::lstat:return,
syscall::access:return,
syscall::newfstatat:return,
syscall::statx:return,
syscall::faccessat:return,
syscall::faccessat2:return
/self->path && *(char *)copyin(self->path, 1) != 0/
{
	printf("%7d %7d %-15s %-12s %3d %s\n", uid, pid, execname, probefunc, errno,
	    copyinstr(self->path));
}

syscall::*stat*:return,
syscall::*access*:return
{
	self->path = 0;
}
