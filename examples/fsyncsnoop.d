#!/usr/bin/env -S dscript -s
/*
 * fsyncsnoop.d - who forces data to disk, and how long does that take?
 *
 * One line for each fsync(2), fdatasync(2), sync_file_range(2), syncfs(2), msync(2) and
 * sync(2) when it returns, with the time it took and the file.
 *
 * Usage: fsyncsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM            CALL                    MS ERR FILE
 *     29432 sync            fsync                0.647   0 /tmp/tmp.O5ltgiihIy/x/y/z
 *     29435 python3         fsync                0.370   0 /tmp/tmp.O5ltgiihIy/q
 *     29435 python3         fdatasync            0.048   0 /tmp/tmp.O5ltgiihIy/q
 *     29435 python3         sync                14.299   0 -
 *
 * Notes: Linux 6.1 and later. Files opened with O_SYNC wait in each write instead:
 * see fileslower.d.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %-15s %-15s %10s %3s %s\n", "PID", "COMM", "CALL", "MS", "ERR", "FILE");
}

syscall::fsync:entry,
syscall::fdatasync:entry,
syscall::sync_file_range:entry,
syscall::syncfs:entry
/$1 == 0 || progenyof($1)/
{
	self->file = fds[arg0].fi_pathname;
	self->start = timestamp;
}

syscall::sync:entry,
syscall::msync:entry
/$1 == 0 || progenyof($1)/
{
	self->file = "-";
	self->start = timestamp;
}

syscall::fsync:return,
syscall::fdatasync:return,
syscall::sync_file_range:return,
syscall::syncfs:return,
syscall::sync:return,
syscall::msync:return
/self->start/
{
	this->us = (timestamp - self->start) / 1000;
	printf("%7d %-15s %-15s %6d.%03d %3d %s\n", pid, execname, probefunc, this->us / 1000,
	    this->us % 1000, errno, self->file);
	self->start = 0;
	self->file = 0;
}
