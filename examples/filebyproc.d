#!/usr/bin/env -S dscript -s
/*
 * filebyproc.d - which files does each command open, and how often?
 *
 * Counts open(2), openat(2), openat2(2) and creat(2) by command and path, failed
 * ones too, until Ctrl-C.
 *
 * Usage: filebyproc.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   COMM                OPENS PATH
 *   cat                     1 /lib/x86_64-linux-gnu/libc.so.6
 *   cat                     1 /usr/share/locale/C.UTF-8/LC_MESSAGES/libc.mo
 *   cat                     1 /usr/share/locale/C.utf8/LC_MESSAGES/libc.mo
 *   cat                     1 /usr/share/locale/C/LC_MESSAGES/libc.mo
 *   cat                     1 d/a
 *
 * Notes: Linux 6.1 and later. One key for each pair of command and path: on a
 * machine that opens many different files give a process ID.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

syscall::open:entry,
syscall::creat:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg0;
}

syscall::openat:entry,
syscall::openat2:entry
/$1 == 0 || progenyof($1)/
{
	self->path = arg1;
}

syscall::open:return,
syscall::creat:return,
syscall::openat:return,
syscall::openat2:return
/self->path/
{
	@[execname, copyinstr(self->path)] = count();
	self->path = 0;
}

END
{
	printf("%-16s %8s %s\n", "COMM", "OPENS", "PATH");
	printa("%-16s %@8d %s\n", @);
}
