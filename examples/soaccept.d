#!/usr/bin/env -S dscript -s
/*
 * soaccept.d - which processes accept connections, and from whom?
 *
 * Prints a line for each accept() and accept4() that brought a connection: the process, its new
 * file descriptor, its own port and the peer's address and port.
 *
 * Usage: soaccept.d [pid]
 *     pid   only this process; all if not given
 *
 * Sample:
 *          PID COMMAND            FD  LPORT FROM                          RPORT
 *        26057 python3             5  59353 127.0.0.1                     39890
 *        26057 python3             6  34327 ::1                           51826
 *
 * Notes: The address is that of the kernel's socket, so it does not matter whether the program
 *     asked for it.  Connections that no process has accepted yet: tcpaccept.d.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%8s %-16s %4s %6s %-28s %6s\n", "PID", "COMMAND", "FD", "LPORT", "FROM", "RPORT");
}

syscall::accept:return,
syscall::accept4:return
/errno == 0 && ($1 == 0 || pid == $1)/
{
	this->file = curthread->files->fdt->fd[arg0];
	this->sk = ((struct socket *)this->file->private_data)->sk;
	this->family = this->sk->__sk_common.skc_family;
	this->lport = this->sk->__sk_common.skc_num;
	this->rport = ntohs(this->sk->__sk_common.skc_dport);
}

syscall::accept:return,
syscall::accept4:return
/this->sk && this->family == AF_INET/
{
	printf("%8d %-16s %4d %6d %-28s %6d\n", pid, execname, arg0, this->lport,
	    inet_ntop(AF_INET, &this->sk->__sk_common.skc_daddr), this->rport);
}

syscall::accept:return,
syscall::accept4:return
/this->sk && this->family == AF_INET6/
{
	printf("%8d %-16s %4d %6d %-28s %6d\n", pid, execname, arg0, this->lport,
	    inet_ntop(AF_INET6, &this->sk->__sk_common.skc_v6_daddr), this->rport);
}

syscall::accept:return,
syscall::accept4:return
/this->sk && this->family == AF_UNIX/
{
	printf("%8d %-16s %4d %6s %-28s %6s\n", pid, execname, arg0, "-", "local", "-");
}
