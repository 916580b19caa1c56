#!/usr/bin/env -S dscript -s
/*
 * shellsnoop.d - what is typed into shells, and what do they answer?
 *
 * Shows what shells and the commands under them read from and write to terminals, each
 * piece with the process it belongs to: R was typed, W was shown.
 *
 * Usage: shellsnoop.d [PID]
 *   PID   this shell and its children only; 0: all terminals
 *
 * Sample:
 *       PID    PPID COMM            TERMINAL     D TEXT
 *     30672   30663 sh              /dev/pts/0   W hello\n
 *     30673   30672 date            /dev/pts/0   W Sat Nov 21 09:20:58 UTC 2026\n
 *
 * Notes: Linux 6.1 and later. Passwords that are typed show, too: this is for your own
 * machine, with the users' knowledge. At most 200 bytes of a call are shown, control
 * characters as in C.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %7s %-15s %-12s %s %s\n", "PID", "PPID", "COMM", "TERMINAL", "D", "TEXT");
}

syscall::read:entry,
syscall::write:entry
/($1 == 0 || progenyof($1)) && fds[arg0].fi_fs == "devpts"/
{
	self->buffer = arg1;
	self->terminal = fds[arg0].fi_pathname;
}

syscall::read:return,
syscall::write:return
/self->buffer && (int64_t)arg1 > 0/
{
	this->text = stringof(copyin(self->buffer, arg1 < 200 ? arg1 : 200));
	printf("%7d %7d %-15s %-12s %s %S\n", pid, ppid, execname, self->terminal,
	    probefunc == "read" ? "R" : "W", this->text);
}

syscall::read:return,
syscall::write:return
{
	self->buffer = 0;
	self->terminal = 0;
}
