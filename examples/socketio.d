#!/usr/bin/env -S dscript -s
/*
 * socketio.d - with which calls, and in pieces of what size, do processes use sockets?
 *
 * Counts the system calls that read and write sockets, by process and call, with the bytes and
 * their average: many small pieces cost more than a few large ones.
 *
 * Usage: socketio.d [pid]
 *     pid   only this process; all if not given
 *
 * Sample:
 *          PID COMMAND          CALL          CALLS   FAILED        BYTES      AVG
 *        26994 python3          recvfrom          6        0          562       93
 *        26994 python3          sendto            6        0          567       94
 *
 * Notes: Calls that failed (EAGAIN above all) count, with no bytes.  sendmmsg() and recvmmsg() give
 *     messages, not bytes, and are left out.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall::read:entry, syscall::readv:entry, syscall::recvfrom:entry, syscall::recvmsg:entry,
syscall::write:entry, syscall::writev:entry, syscall::sendto:entry, syscall::sendmsg:entry
/$1 == 0 || pid == $1/
{
	self->socket = fds[arg0].fi_fs == "sockfs";
}

syscall::read:return, syscall::readv:return, syscall::recvfrom:return, syscall::recvmsg:return,
syscall::write:return, syscall::writev:return, syscall::sendto:return, syscall::sendmsg:return
/self->socket/
{
	this->bytes = errno ? 0 : arg0;
	@calls[pid, execname, probefunc] = count();
	@failed[pid, execname, probefunc] = sum(errno != 0);
	@bytes[pid, execname, probefunc] = sum(this->bytes);
	@average[pid, execname, probefunc] = avg(this->bytes);
	self->socket = 0;
}

dtrace:::END
{
	printf("%8s %-16s %-10s %8s %8s %12s %8s\n", "PID", "COMMAND", "CALL", "CALLS", "FAILED",
	    "BYTES", "AVG");
	printa("%8d %-16s %-10s %@8d %@8d %@12d %@8d\n", @calls, @failed, @bytes, @average);
}
