#!/usr/bin/env -S dscript -s
/*
 * readbytes.d - which process reads how much of which file?
 *
 * Bytes and calls of read(2), readv(2) and pread(2) by process and path, until Ctrl-C,
 * most bytes last.
 *
 * Usage: readbytes.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                      BYTES    CALLS FILE
 *     29182 sh                           20        2 <unknown>
 *     29189 dd                         5120        5 /tmp/tmp.K1gLI37rfY/out
 *     29186 dd                        81920       10 /dev/zero
 *     29187 cat                      163840        4 /tmp/tmp.K1gLI37rfY/out
 *     29188 wc                       163840       11 <unknown>
 *
 * Notes: Linux 6.1 and later. Counts what the process asked for and got, whether it
 * came from the page cache or the disk. Pipes and sockets show as <unknown>.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry
/$1 == 0 || progenyof($1)/
{
	self->fd = arg0 + 1;
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return
/self->fd && errno == 0/
{
	this->path = fds[self->fd - 1].fi_pathname;
	@bytes[pid, execname, this->path] = sum(arg0);
	@calls[pid, execname, this->path] = count();
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return
{
	self->fd = 0;
}

END
{
	printf("%7s %-16s %14s %8s %s\n", "PID", "COMM", "BYTES", "CALLS", "FILE");
	printa("%7d %-16s %@14d %@8d %s\n", @bytes, @calls);
}
