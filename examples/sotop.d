#!/usr/bin/env -S dscript -s
/*
 * sotop.d - which processes use the network most?
 *
 * Adds up what processes read from sockets and write to them, of whatever kind; prints
 * the sums, the busiest last, as often as asked for.
 *
 * Usage: sotop.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND                 BYTES         SENT     RECEIVED
 *        26972 python3                  1129          567          562
 *
 * Notes: Counted at the system calls, so local (unix) sockets are in it, and what sendfile(),
 *     splice(), sendmmsg() and io_uring move is not.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall::read:entry, syscall::readv:entry, syscall::recvfrom:entry, syscall::recvmsg:entry,
syscall::write:entry, syscall::writev:entry, syscall::sendto:entry, syscall::sendmsg:entry
{
	self->socket = fds[arg0].fi_fs == "sockfs";
}

syscall::read:return, syscall::readv:return, syscall::recvfrom:return, syscall::recvmsg:return
/self->socket && errno == 0/
{
	@received[pid, execname] = sum(arg0);
	@both[pid, execname] = sum(arg0);
}

syscall::write:return, syscall::writev:return, syscall::sendto:return, syscall::sendmsg:return
/self->socket && errno == 0/
{
	@sent[pid, execname] = sum(arg0);
	@both[pid, execname] = sum(arg0);
}

syscall::read:return, syscall::readv:return, syscall::recvfrom:return, syscall::recvmsg:return,
syscall::write:return, syscall::writev:return, syscall::sendto:return, syscall::sendmsg:return
{
	self->socket = 0;
}

profile:::tick-1s
{
	++elapsed;
}

dtrace:::END
{
	elapsed = $1;	/* the rest is shown too */
}

profile:::tick-1s,
dtrace:::END
/elapsed == $1/
{
	printf("\n%Y\n%8s %-16s %12s %12s %12s\n", walltimestamp, "PID", "COMMAND", "BYTES",
	    "SENT", "RECEIVED");
	printa("%8d %-16s %@12d %@12d %@12d\n", @both, @sent, @received);
	trunc(@both);
	trunc(@sent);
	trunc(@received);
	elapsed = 0;
}
