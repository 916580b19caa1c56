#!/usr/bin/env -S dscript -s
/*
 * soclose.d - which sockets are closed, after how long, and what went through them?
 *
 * Prints a line for each close() of an IPv4 or IPv6 socket: its ends, how long this process had
 * it open, and for TCP the bytes of data received and sent (again, too).
 *
 * Usage: soclose.d [pid]
 *     pid   only this process; all if not given
 *
 * Sample:
 *          PID COMMAND        FD PROTO  LPORT PEER             RPORT RECEIVED     SENT OPEN(ms)
 *        29303 python3         5 tcp    58382 127.0.0.1        44257      519       28       20
 *        29303 python3         4 tcp    44257 127.0.0.1        58382       28      519       20
 *        29303 python3         5 tcp    53578 ::1              53861        0        0        0
 *
 * Notes: Sockets that end with their process are not closed by a call and do not show; of those
 *     that were opened before tracing the time is 0.  tcpstate.d sees all of TCP.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t opened[pid_t, int];	/* by process and descriptor */

dtrace:::BEGIN
{
	printf("%8s %-12s %4s %-5s %6s %-15s %6s %8s %8s %8s\n", "PID", "COMMAND", "FD", "PROTO",
	    "LPORT", "PEER", "RPORT", "RECEIVED", "SENT", "OPEN(ms)");
}

syscall::socket:return,
syscall::accept:return,
syscall::accept4:return
/errno == 0 && ($1 == 0 || pid == $1)/
{
	opened[pid, (int)arg0] = timestamp;
}

syscall::close:entry
/($1 == 0 || pid == $1) && fds[arg0].fi_fs == "sockfs"/
{
	this->fd = (int)arg0;
	this->since = opened[pid, this->fd];
	opened[pid, this->fd] = 0;
	this->open = this->since ? (timestamp - this->since) / 1000000 : 0;
	this->sk = ((struct socket *)curthread->files->fdt->fd[this->fd]->private_data)->sk;
	this->family = this->sk->__sk_common.skc_family;
	this->tcp = this->sk->sk_protocol == IPPROTO_TCP ? (struct tcp_sock *)this->sk : NULL;
	/* The peer's FIN, when it has come, counts as a byte. */
	this->fin = (this->sk->__sk_common.skc_flags >> SOCK_DONE) & 1;
	this->in = this->tcp ? this->tcp->bytes_received - this->fin : 0;
	this->out = this->tcp ? this->tcp->bytes_sent : 0;
}

syscall::close:entry
/this->sk && (this->family == AF_INET || this->family == AF_INET6)/
{
	printf("%8d %-12s %4d %-5s %6d %-15s %6d %8d %8d %8d\n", pid, execname, this->fd,
	    this->tcp ? "tcp" : this->sk->sk_protocol == IPPROTO_UDP ? "udp" : "other",
	    this->sk->__sk_common.skc_num,
	    this->family == AF_INET ? inet_ntop(AF_INET, &this->sk->__sk_common.skc_daddr) :
	    inet_ntop(AF_INET6, &this->sk->__sk_common.skc_v6_daddr),
	    ntohs(this->sk->__sk_common.skc_dport), this->in, this->out, this->open);
}
