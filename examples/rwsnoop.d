#!/usr/bin/env -S dscript -s
/*
 * rwsnoop.d - who reads and writes what, call by call?
 *
 * One line for each read and write system call that succeeded: R or W, the bytes it
 * moved and the file, pipes and sockets included.
 *
 * Usage: rwsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       UID     PID COMM            D     BYTES   FD FILE
 *         0   29123 cat             R     81920    3 /tmp/tmp.pfmyEcKF1j/out
 *         0   29124 wc              R     16384    0 pipefs
 *         0   29123 cat             W     81920    1 pipefs
 *         0   29123 cat             R         0    3 /tmp/tmp.pfmyEcKF1j/out
 *         0   29124 wc              R     16384    0 pipefs
 *
 * Notes: Linux 6.1 and later. Without a process ID the terminal or ssh connection
 * that shows the output is traced, too, and its lines make more lines.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %7s %-15s %s %9s %4s %s\n", "UID", "PID", "COMM", "D", "BYTES", "FD", "FILE");
}

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry,
syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry
/pid != $pid && ($1 == 0 || progenyof($1))/
{
	self->fd = arg0 + 1;
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return,
syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
/self->fd && errno == 0/
{
	this->direction = strstr(probefunc, "read") != NULL ? "R" : "W";
	this->fs = fds[self->fd - 1].fi_fs;
	this->path = fds[self->fd - 1].fi_pathname;
	printf("%7d %7d %-15s %s %9d %4d %s\n", uid, pid, execname, this->direction, arg0,
	    self->fd - 1, this->path == "<unknown>" ? this->fs : this->path);
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return,
syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
{
	self->fd = 0;
}
