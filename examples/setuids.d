#!/usr/bin/env -S dscript -s
/*
 * setuids.d - who becomes another user?
 *
 * One line for each setuid(2), setgid(2) and their relatives when it returns: the user
 * before, the numbers asked for (-1: as it was), the error's number and the command
 * with its parent, as when su, sudo, sshd or a daemon changes its user.
 *
 * Usage: setuids.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       UID     PID COMM            PARENT          CALL       TO             ERR
 *         0   30139 python3.11      sh              setresgid  5,-1,0           0
 *         0   30139 python3.11      sh              setreuid   7,-1             0
 *         7   30139 python3.11      sh              setuid     8                0
 *         8   30139 python3.11      sh              setuid     9                1
 *
 * Notes: Linux 6.1 and later. Programs with the set-user-ID bit change their user in
 * exec: execsnoop.d shows these. Under a C library every thread makes the call.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %7s %-15s %-15s %-10s %-14s %3s\n", "UID", "PID", "COMM", "PARENT", "CALL", "TO",
	    "ERR");
}

syscall::setuid:entry,
syscall::setgid:entry,
syscall::setfsuid:entry,
syscall::setfsgid:entry
/$1 == 0 || progenyof($1)/
{
	self->to = lltostr((int)arg0);
	self->from = uid + 1;
}

syscall::setreuid:entry,
syscall::setregid:entry
/$1 == 0 || progenyof($1)/
{
	self->to = strjoin(lltostr((int)arg0), strjoin(",", lltostr((int)arg1)));
	self->from = uid + 1;
}

syscall::setresuid:entry,
syscall::setresgid:entry
/$1 == 0 || progenyof($1)/
{
	this->two = strjoin(lltostr((int)arg0), strjoin(",", lltostr((int)arg1)));
	self->to = strjoin(this->two, strjoin(",", lltostr((int)arg2)));
	self->from = uid + 1;
}

syscall::set*id:return
/self->from/
{
	printf("%7d %7d %-15s %-15s %-10s %-14s %3d\n", self->from - 1, pid, execname,
	    stringof(curthread->real_parent->comm), probefunc, self->to, errno);
	self->from = 0;
	self->to = 0;
}
