#!/usr/bin/env -S dscript -s
/*
 * opensnoop.d - what files are being opened, and by whom?
 *
 * One line for each open(2), openat(2), openat2(2) and creat(2) when it returns:
 * the process, the file descriptor or -1 with the error's number, and the path
 * as the process gave it.
 *
 * Usage: opensnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *     UID     PID COMM             FD ERR PATH
 *       0   23511 cat               3   0 /etc/ld.so.cache
 *       0   23511 cat               3   0 /lib/x86_64-linux-gnu/libc.so.6
 *       0   23511 cat              -1   2 /nonexistent
 *
 * Notes: Linux 6.1 and later. The path is read when the call returns, because
 * memory that was never touched cannot be read at its entry.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
{
	printf("%7s %7s %-15s %3s %3s %s\n", "UID", "PID", "COMM", "FD", "ERR", "PATH");
}

syscall::open:entry,
syscall::creat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
}

syscall::openat:entry,
syscall::openat2:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
}

syscall::open:return,
syscall::creat:return,
syscall::openat:return,
syscall::openat2:return
/self->path/
{
	printf("%7d %7d %-15s %3d %3d %s\n", uid, pid, execname, (int)arg0, errno,
	    copyinstr(self->path));
	self->path = 0;
}
