#!/usr/bin/env -S dscript -s
/*
 * modload.d - which kernel modules are loaded and unloaded, and by whom?
 *
 * Prints a line for each attempt: the process and the file it hands to the kernel, or the name of
 * the module to be removed, how long it took, and the error.
 *
 * Usage: modload.d
 *
 * Sample:
 *          PID COMMAND          CALL            ERRNO   TIME(us) MODULE
 *        29339 python3          finit_module       38         62 /tmp/#2151136
 *        29339 python3          delete_module      38          2 nosuch
 *
 * Notes: Sees the system calls init_module(), finit_module() and delete_module(): on kernels
 *     without modules they fail with ENOSYS (38).  init_module() has no file, only memory.
 */

#pragma D option quiet

dtrace:::BEGIN
{
	printf("%8s %-16s %-14s %6s %10s %s\n", "PID", "COMMAND", "CALL", "ERRNO", "TIME(us)",
	    "MODULE");
}

syscall::finit_module:entry
{
	self->name = fds[arg0].fi_pathname;
	self->began = timestamp;
}

syscall::init_module:entry
{
	self->name = "<memory>";
	self->began = timestamp;
}

syscall::delete_module:entry
{
	self->address = arg0;
	self->began = timestamp;
}

syscall::delete_module:return
/self->began/
{
	self->name = copyinstr(self->address);
	self->address = 0;
}

syscall::finit_module:return,
syscall::init_module:return,
syscall::delete_module:return
/self->began/
{
	printf("%8d %-16s %-14s %6d %10d %s\n", pid, execname, probefunc, errno,
	    (timestamp - self->began) / 1000, self->name);
	self->began = 0;
	self->name = 0;
}
