#!/usr/bin/env -S dscript -s
/*
 * writebytes.d - which process writes how much of which file?
 *
 * Bytes and calls of write(2), writev(2) and pwrite(2) by process and path, until Ctrl-C,
 * most bytes last.
 *
 * Usage: writebytes.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                      BYTES    CALLS FILE
 *     29226 wc                            7        1 /dev/null
 *     29222 mktemp                       20        1 <unknown>
 *     29224 dd                           93        3 /dev/null
 *     29227 dd                         5211        8 /dev/null
 *     29224 dd                        81920       10 /tmp/tmp.clS35EWGRq/out
 *
 * Notes: Linux 6.1 and later. Counts what the process asked for and got, whether it
 * reached the disk by then or only the page cache. Pipes and sockets show as <unknown>.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry
/$1 == 0 || progenyof($1)/
{
	self->fd = arg0 + 1;
}

syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
/self->fd && errno == 0/
{
	this->path = fds[self->fd - 1].fi_pathname;
	@bytes[pid, execname, this->path] = sum(arg0);
	@calls[pid, execname, this->path] = count();
}

syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
{
	self->fd = 0;
}

END
{
	printf("%7s %-16s %14s %8s %s\n", "PID", "COMM", "BYTES", "CALLS", "FILE");
	printa("%7d %-16s %@14d %@8d %s\n", @bytes, @calls);
}
