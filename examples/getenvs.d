#!/usr/bin/env -S dscript -s
/*
 * getenvs.d - which environment variables does a program look at?
 *
 * Counts the names that a program asks getenv(3) and secure_getenv(3) for, with whether
 * they were set: undocumented switches show here.
 *
 * Usage: getenvs.d -c COMMAND
 *        getenvs.d -p PID
 *
 * Sample:
 *   bin
 *   boot
 *   container_info.json
 *   dev
 *   etc
 *   farm
 *   home
 *
 * Notes: Linux 6.1 and later. Programs that read their environment by themselves, such
 * as shells, do not call these functions.
 */

#pragma D option quiet

pid$target:libc:getenv:entry,
pid$target:libc:secure_getenv:entry
{
	self->name = copyinstr(arg0);
	self->inside = 1;
}

pid$target:libc:getenv:return,
pid$target:libc:secure_getenv:return
/self->inside/
{
	@[self->name, arg1 ? "set" : "-"] = count();
	self->name = 0;
	self->inside = 0;
}

END
{
	printf("%-40s %-5s %8s\n", "VARIABLE", "SET", "ASKED");
	printa("%-40s %-5s %@8d\n", @);
}
