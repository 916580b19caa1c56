#!/usr/bin/env -S dscript -s
/*
 * pfilestat.d - on which files does a process spend its reads and writes?
 *
 * For each open file: how many bytes went in and out, how many calls that took and
 * how long the process was in them, waiting included. The longest time comes last.
 *
 * Usage: pfilestat.d PID
 *   PID   the process, with its children
 *
 * Sample:
 *     TIME(us)    CALLS      READ(B)   WRITTEN(B)   FD FILE
 *           15        5         5120            0    0 /tmp/tmp.C5uZ1O4t7p/out
 *           31       10        81920            0    0 /dev/zero
 *           81       10            0        81920    1 /tmp/tmp.C5uZ1O4t7p/out
 *           94       11       163840            0    0 <unknown>
 *          102        4       163840            0    3 /tmp/tmp.C5uZ1O4t7p/out
 *          129       18        14400            0    3 /usr/lib/x86_64-linux-gnu/libc.so.6
 *
 * Notes: Linux 6.1 and later. Sockets and pipes have no path and show as
 * <unknown>; files that are mapped into memory and read there do not show.
 */

#pragma D option quiet

syscall::read:entry,
syscall::readv:entry,
syscall::pread*:entry,
syscall::write:entry,
syscall::writev:entry,
syscall::pwrite*:entry
/progenyof($1)/
{
	self->file = fds[arg0].fi_pathname;
	self->fd = arg0 + 1;
	self->start = timestamp;
}

syscall::read:return,
syscall::readv:return,
syscall::pread*:return
/self->start/
{
	@in[self->fd - 1, self->file] = sum(arg0 > 0 ? arg0 : 0);
}

syscall::write:return,
syscall::writev:return,
syscall::pwrite*:return
/self->start/
{
	@out[self->fd - 1, self->file] = sum(arg0 > 0 ? arg0 : 0);
}

syscall::read*:return,
syscall::pread*:return,
syscall::write*:return,
syscall::pwrite*:return
/self->start/
{
	@calls[self->fd - 1, self->file] = count();
	@time[self->fd - 1, self->file] = sum(timestamp - self->start);
	self->start = 0;
	self->file = 0;
	self->fd = 0;
}

END
{
	normalize(@time, 1000);
	printf("%10s %8s %12s %12s %4s %s\n", "TIME(us)", "CALLS", "READ(B)", "WRITTEN(B)", "FD",
	    "FILE");
	printa("%@10d %@8d %@12d %@12d %4d %s\n", @time, @calls, @in, @out);
}
