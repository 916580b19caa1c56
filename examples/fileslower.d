#!/usr/bin/env -S dscript -s
/*
 * fileslower.d - which reads, writes and syncs of files were slow?
 *
 * One line for each read, write, fsync or fdatasync of a regular file that took
 * longer than a limit, waiting included: what the application felt, whatever the
 * disks did.
 *
 * Usage: fileslower.d [MILLISECONDS [PID]]
 *   MILLISECONDS  shows calls from this time on; 10 if not given
 *   PID           this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     PID COMM            CALL             MS     BYTES FILE
 *   2026 Nov 21 09:20:27   29405 dd              write         3.206   1048576 /var/tmp/big
 *   2026 Nov 21 09:20:27   29405 dd              write         3.205   1048576 /var/tmp/big
 *   2026 Nov 21 09:20:27   29405 dd              write         3.365   1048576 /var/tmp/big
 *   2026 Nov 21 09:20:27   29405 dd              write         3.260   1048576 /var/tmp/big
 *
 * Notes: Linux 6.1 and later. Pipes, sockets and terminals are left out: to wait for
 * them is no fault of a disk. A limit below a millisecond: see pfilestat.d.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int64_t LIMIT = ($1 ? $1 : 10) * 1000000LL;	/* nanoseconds */

BEGIN
{
	printf("%-20s %7s %-15s %-9s %9s %9s %s\n", "TIME", "PID", "COMM", "CALL", "MS", "BYTES",
	    "FILE");
}

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry,
syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry,
syscall::fsync:entry,
syscall::fdatasync:entry
/$2 == 0 || progenyof($2)/
{
	self->fd = arg0;
	self->start = timestamp;
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return,
syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return,
syscall::fsync:return,
syscall::fdatasync:return
/self->start && timestamp - self->start >= LIMIT &&
    (curthread->files->fdt->fd[self->fd]->f_inode->i_mode & S_IFMT) == S_IFREG/
{
	this->us = (timestamp - self->start) / 1000;
	printf("%Y %7d %-15s %-9s %5d.%03d %9d %s\n", walltimestamp, pid, execname, probefunc,
	    this->us / 1000, this->us % 1000, arg0, fds[self->fd].fi_pathname);
}

syscall::*read*:return,
syscall::*write*:return,
syscall::f*sync:return
{
	self->start = 0;
}
