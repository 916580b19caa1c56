#!/usr/bin/env -S dscript -s
/*
 * rwbytype.d - is it files, pipes, sockets or devices that are read and written?
 *
 * Bytes by command, direction and type of file (file, directory, device, pipe,
 * socket or another thing with a descriptor), until Ctrl-C.
 *
 * Usage: rwbytype.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   COMM             TYPE           DIRECTION          BYTES
 *   wc               char-device    write                  7
 *   dd               char-device    write               5303
 *   wc               file           read                5396
 *   dd               file           read               15912
 *   dd               char-device    read               81920
 *   dd               file           write              81920
 *
 * Notes: Linux 6.1 and later. send(2) and recv(2) are not counted, though read(2)
 * and write(2) of a socket are.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	type[S_IFREG] = "file";
	type[S_IFDIR] = "directory";
	type[S_IFCHR] = "char-device";
	type[S_IFBLK] = "block-device";
	type[S_IFIFO] = "pipe";
	type[S_IFSOCK] = "socket";
	type[0] = "other";
}

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry,
syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry
/$1 == 0 || progenyof($1)/
{
	this->fdt = curthread->files->fdt;
	self->open = arg0 < this->fdt->max_fds && this->fdt->fd[arg0] != NULL;
}

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry,
syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry
/self->open/
{
	self->mode = curthread->files->fdt->fd[arg0]->f_inode->i_mode & S_IFMT;
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return,
syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
/self->open && errno == 0/
{
	this->direction = strstr(probefunc, "read") != NULL ? "read" : "write";
	@[execname, type[self->mode], this->direction] = sum(arg0);
}

syscall::*read*:return,
syscall::*write*:return
{
	self->open = 0;
}

END
{
	printf("%-16s %-14s %-9s %14s\n", "COMM", "TYPE", "DIRECTION", "BYTES");
	printa("%-16s %-14s %-9s %@14d\n", @);
}
