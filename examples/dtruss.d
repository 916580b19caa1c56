#!/usr/bin/env -S dscript -s
/*
 * dtruss.d - what does a program ask of the kernel, call by call, and how long?
 *
 * One line for each system call of a command, its result or error, and the time it took,
 * waiting (ELAPSED) and on a CPU, in microseconds. Strings are shown for the calls whose
 * first or second argument is a path, and for writes.
 *
 * Usage: dtruss.d '$target' -c COMMAND
 *        dtruss.d PID
 *   PID   this process and its children
 *
 * Sample:
 *       TID   ELAPSED     CPU  SYSCALL(ARGS) = RESULT
 *     30619        51      51  brk(0x0, 0x7ffc11c689dc, 0x0) = 94898770526208
 *     30619         5       5  access("/etc/ld.so.preload", 0x4, 0x0) = -1 Err#2
 *     30619         4       4  openat(-100, "/etc/ld.so.cache", 0x80000) = 3
 *     30619         5       5  openat(-100, "/lib/x86_64-linux-gnu/libc.so.6", 0x80000) = 3
 *     30619         0       0  brk(0x0, 0x7fd14bc90c60, 0x0) = 94898770526208
 *     30619         4       4  brk(0x564f5783d000, 0x7fd14bc90c60, 0x7fd14bc98338) = 94898770661
 *     30619         6       6  openat(-100, "/usr/lib/locale/locale-archive", 0x80000) = -1 Err#
 *
 * Notes: Linux 6.1 and later. The process is never stopped, as it is by strace(1); calls
 * that do not return (exit_group) are not shown. Strings are cut after 40 characters.
 */

#pragma D option quiet
#pragma D option zdefs

BEGIN
{
	printf("%7s %9s %7s  %s\n", "TID", "ELAPSED", "CPU", "SYSCALL(ARGS) = RESULT");
}

syscall:::entry
/progenyof($1)/
{
	self->a = arg0;
	self->b = arg1;
	self->c = arg2;
	self->cpu = vtimestamp;
	self->start = timestamp;
}

syscall::open:return,
syscall::stat:return,
syscall::lstat:return,
syscall::access:return,
syscall::chdir:return,
syscall::unlink:return,
syscall::mkdir:return,
syscall::readlink:return
/self->start/
{
	self->string = copyinstr(self->a);
	self->first = 1;
}

syscall::openat:return,
syscall::newfstatat:return,
syscall::statx:return,
syscall::faccessat*:return,
syscall::unlinkat:return,
syscall::mkdirat:return,
syscall::readlinkat:return
/self->start/
{
	self->string = copyinstr(self->b);
	self->second = 1;
}

syscall::write:return
/self->start && (int64_t)arg1 > 0/
{
	self->string = stringof(copyin(self->b, arg1 < 40 ? arg1 : 40));
	self->second = 1;
}

syscall:::return
/self->start/
{
	this->elapsed = (timestamp - self->start) / 1000;
	this->cpu = (vtimestamp - self->cpu) / 1000;
	printf("%7d %9d %7d  %s(", tid, this->elapsed, this->cpu, probefunc);
}

syscall:::return
/self->start && self->first/
{
	printf("\"%.40S\", 0x%x, 0x%x) = %d", self->string, self->b, self->c, (int64_t)arg1);
}

syscall:::return
/self->start && self->second/
{
	printf("%d, \"%.40S\", 0x%x) = %d", (int)self->a, self->string, self->c, (int64_t)arg1);
}

syscall:::return
/self->start && !self->first && !self->second/
{
	printf("0x%x, 0x%x, 0x%x) = %d", self->a, self->b, self->c, (int64_t)arg1);
}

syscall:::return
/self->start/
{
	printf("%s%s\n", errno ? " Err#" : "", errno ? lltostr(errno) : "");
	self->start = 0;
	self->string = 0;
	self->first = 0;
	self->second = 0;
}
