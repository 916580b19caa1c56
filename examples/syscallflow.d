#!/usr/bin/env -S dscript -s
/*
 * syscallflow.d - which system calls does a process make, one after the other?
 *
 * Shows every system call of a process and its threads as it is entered (=>) and left (<=), with
 * the microseconds it took and its result; what happens within a call is indented.
 *
 * Usage: syscallflow.d -p PID | -c COMMAND
 *
 * Sample:
 *     CPU FUNCTION
 *       1  => openat                                (0xffffff9c, 0x55de96dd5660, 0x80000)
 *       1  <= openat                                = -1, errno 2, 2 us
 *       1  => openat                                (0xffffff9c, 0x55de96dd5740, 0x80000)
 *       1  <= openat                                = 3, errno 0, 2 us
 *       1  => clock_nanosleep                       (0x0, 0x0, 0x7ffe596bdfe0)
 *       1  <= clock_nanosleep                       = 0, errno 0, 10082 us
 *
 * Notes: The heading's columns are those of -F.  Each line costs about a microsecond, so a program
 *     that makes many small calls becomes slower.
 */

#pragma D option flowindent
#pragma D option quiet

syscall:::entry
/pid == $target/
{
	self->began = timestamp;
	printf("(0x%x, 0x%x, 0x%x)\n", arg0, arg1, arg2);
}

/* Calls that were under way when tracing began have no time. */
syscall:::return
/pid == $target/
{
	printf("= %d, errno %d, %d us\n", (int64_t)arg0, errno,
	    self->began ? (timestamp - self->began) / 1000 : 0);
	self->began = 0;
}
