#!/usr/bin/env -S dscript -s
/*
 * mmapfiles.d - which files are mapped into memory, by whom and for what?
 *
 * One line for each mmap(2) of a file: the bytes mapped, what the process may do with
 * them (r read, w write, x execute), whether writes reach the file (s shared) or
 * stay private (p), and the file.
 *
 * Usage: mmapfiles.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                 BYTES PROT     OFFSET FILE
 *     29248 true                 38527 r--p          0 /etc/ld.so.cache
 *     29248 true               1974096 r--p          0 /usr/lib/x86_64-linux-gnu/libc.so.6
 *     29248 true               1400832 r-xp     155648 /usr/lib/x86_64-linux-gnu/libc.so.6
 *     29248 true                339968 r--p    1556480 /usr/lib/x86_64-linux-gnu/libc.so.6
 *     29248 true                 24576 rw-p    1896448 /usr/lib/x86_64-linux-gnu/libc.so.6
 *
 * Notes: Linux 6.1 and later. The program itself and its dynamic linker are mapped by
 * the kernel in exec and do not show: see execsnoop.d.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %-15s %10s %4s %10s %s\n", "PID", "COMM", "BYTES", "PROT", "OFFSET", "FILE");
}

syscall::mmap:entry
/(int)arg4 >= 0 && !(arg3 & MAP_ANONYMOUS) && ($1 == 0 || progenyof($1))/
{
	self->prot = strjoin(strjoin(arg2 & PROT_READ ? "r" : "-", arg2 & PROT_WRITE ? "w" : "-"),
	    strjoin(arg2 & PROT_EXEC ? "x" : "-", arg3 & MAP_SHARED ? "s" : "p"));
	self->length = arg1;
	self->offset = arg5;
	self->file = fds[arg4].fi_pathname;
}

syscall::mmap:return
/self->length && errno == 0/
{
	printf("%7d %-15s %10d %4s %10d %s\n", pid, execname, self->length, self->prot,
	    self->offset, self->file);
}

syscall::mmap:return
{
	self->length = 0;
	self->prot = 0;
	self->file = 0;
}
