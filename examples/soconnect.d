#!/usr/bin/env -S dscript -s
/*
 * soconnect.d - which processes connect to what?
 *
 * Prints a line for each connect(): the peer's address and port, or the path of a local socket,
 * how long the call took, and the error.  A socket that does not block gives EINPROGRESS (115)
 * at once; tcpconnlat.d has the time until such a connection is made.
 *
 * Usage: soconnect.d [pid]
 *     pid   only this process; all if not given
 *
 * Sample:
 *          PID COMMAND          FAMILY ADDRESS                        PORT   TIME(us)  ERRNO
 *        26020 python3          inet   127.0.0.1                     42567        148      0
 *        26020 python3          inet6  ::1                           33911         58      0
 *        26020 python3          inet   127.0.0.1                     51343         28    111
 *        26020 python3          unix   /tmp/nosuch.sock                  -          8      2
 *
 * Notes: All kernels.  Names in the abstract namespace of local sockets begin with a NUL byte and
 *     show as empty.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%8s %-16s %-6s %-28s %6s %10s %6s\n", "PID", "COMMAND", "FAMILY", "ADDRESS", "PORT",
	    "TIME(us)", "ERRNO");
}

syscall::connect:entry
/$1 == 0 || pid == $1/
{
	self->peer = arg1;
	self->began = timestamp;
}

syscall::connect:return
/self->peer/
{
	this->family = *(uint16_t *)copyin(self->peer, 2);
	this->error = errno;
	this->took = (timestamp - self->began) / 1000;
}

syscall::connect:return
/self->peer && this->family == AF_INET/
{
	this->in = (struct sockaddr_in *)copyin(self->peer, sizeof (struct sockaddr_in));
	printf("%8d %-16s %-6s %-28s %6d %10d %6d\n", pid, execname, "inet",
	    inet_ntop(AF_INET, &this->in->sin_addr), ntohs(this->in->sin_port), this->took,
	    this->error);
}

syscall::connect:return
/self->peer && this->family == AF_INET6/
{
	this->in6 = (struct sockaddr_in6 *)copyin(self->peer, sizeof (struct sockaddr_in6));
	printf("%8d %-16s %-6s %-28s %6d %10d %6d\n", pid, execname, "inet6",
	    inet_ntop(AF_INET6, &this->in6->sin6_addr), ntohs(this->in6->sin6_port),
	    this->took, this->error);
}

syscall::connect:return
/self->peer && this->family == AF_UNIX/
{
	printf("%8d %-16s %-6s %-28s %6s %10d %6d\n", pid, execname, "unix",
	    copyinstr(self->peer + 2, 108), "-", this->took, this->error);
}

syscall::connect:return
{
	self->peer = 0;
	self->began = 0;
}
