#!/usr/bin/env -S dscript -s
/*
 * ext4slower.d - is it the ext4 file system that is slow?
 *
 * One line for each read, write and sync inside ext4 that took longer than a limit:
 * whatever brought it there, system calls, io_uring, sendfile or the kernel's NFS server.
 *
 * Usage: ext4slower.d [MILLISECONDS [PID]]
 *   MILLISECONDS  shows operations from this time on; 10 if not given
 *   PID           this process and its children only; 0: all
 *
 * Sample:
 *   TIME         PID COMM            FUNCTION                    MS    RESULT FILE
 *   ...          ... python          ext4_file_write_iter       ...      4000 /run/.../synced
 *   ...          ... python          ext4_sync_file             ...         0 /run/.../synced
 *   ...          ... python          ext4_file_read_iter        ...       100 /run/.../synced
 *
 * Notes: probes three functions of ext4, so the kernel must have kprobes or fentry, and
 * ext4 be loaded. Of other file systems: put their names in place of ext4, where there
 * are such functions (xfs_file_read_iter); fileslower.d works for all of them.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int64_t LIMIT = ($1 ? $1 : 10) * 1000000LL;	/* nanoseconds */

BEGIN
{
	printf("%-20s %7s %-15s %-20s %9s %9s %s\n", "TIME", "PID", "COMM", "FUNCTION", "MS",
	    "RESULT", "FILE");
}

fbt::ext4_file_read_iter:entry,
fbt::ext4_file_write_iter:entry
/$2 == 0 || progenyof($2)/
{
	self->file = args[0]->ki_filp;
	self->start = timestamp;
}

fbt::ext4_sync_file:entry
/$2 == 0 || progenyof($2)/
{
	self->file = args[0];
	self->start = timestamp;
}

fbt::ext4_file_read_iter:return,
fbt::ext4_file_write_iter:return,
fbt::ext4_sync_file:return
/self->start && timestamp - self->start >= LIMIT/
{
	this->us = (timestamp - self->start) / 1000;
	printf("%Y %7d %-15s %-20s %5d.%03d %9d %s\n", walltimestamp, pid, execname, probefunc,
	    this->us / 1000, this->us % 1000, (int64_t)arg1,
	    xlate <fileinfo_t *> (self->file)->fi_pathname);
}

fbt::ext4_file_read_iter:return,
fbt::ext4_file_write_iter:return,
fbt::ext4_sync_file:return
{
	self->start = 0;
	self->file = 0;
}
