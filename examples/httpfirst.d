#!/usr/bin/env -S dscript -s
/*
 * httpfirst.d - how long do HTTP servers take until their answer begins?
 *
 * Watches clients: prints for each request the process, the method and path, and the time from
 * sending it until the first bytes of the answer were read.  At the end, the distribution by
 * command.
 *
 * Usage: httpfirst.d
 *
 * Sample:
 *          PID COMMAND            TIME(us) REQUEST
 *        27060 python3               20373 GET /index.html
 *
 *     python3, microseconds to the first byte:
 *
 *                value  ------------- Distribution ------------- count
 *                 8192 |                                         0
 *                16384 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
 *
 * Notes: Sees HTTP/1 without encryption, sent by one write() or sendto(); with TLS the requests
 *     cannot be read here.  A client that reads late makes the server look slow.
 */

#pragma D option quiet
#pragma D option strsize=512

uint64_t asked[pid_t, uint64_t];	/* when, by process and descriptor */
string request[pid_t, uint64_t];

dtrace:::BEGIN
{
	printf("%8s %-16s %10s %s\n", "PID", "COMMAND", "TIME(us)", "REQUEST");
}

syscall::write:entry,
syscall::sendto:entry
/arg2 > 8 && fds[arg0].fi_fs == "sockfs"/
{
	this->text = copyinstr(arg1, 120);
	this->method = strtok(this->text, " ");
	this->path = strtok(NULL, " ");
}

syscall::write:entry,
syscall::sendto:entry
/this->method == "GET" || this->method == "POST" || this->method == "PUT" ||
    this->method == "HEAD" || this->method == "DELETE"/
{
	asked[pid, arg0] = timestamp;
	request[pid, arg0] = strjoin(this->method, strjoin(" ", this->path));
}

syscall::read:entry,
syscall::recvfrom:entry
/asked[pid, arg0]/
{
	self->fd = arg0 + 1;
}

syscall::read:return,
syscall::recvfrom:return
/self->fd && errno == 0/
{
	this->fd = self->fd - 1;
	this->time = (timestamp - asked[pid, this->fd]) / 1000;
	printf("%8d %-16s %10d %s\n", pid, execname, this->time, request[pid, this->fd]);
	@times[execname] = quantize(this->time);
	asked[pid, this->fd] = 0;
	request[pid, this->fd] = 0;
}

syscall::read:return,
syscall::recvfrom:return
{
	self->fd = 0;
}

dtrace:::END
{
	printa("\n%s, microseconds to the first byte:\n%@d", @times);
}
