#!/usr/sbin/dtrace -s
#pragma D option quiet
inline int af_inet = AF_INET;
syscall::connect:entry
/(this->sa = (struct sockaddr *)copyin(arg1, 16))->sa_family == af_inet/
{
	this->in = (struct sockaddr_in *)copyin(arg1, sizeof (struct sockaddr_in));
	@[execname, inet_ntop(AF_INET, (void *)&this->in->sin_addr), ntohs(this->in->sin_port)] = count();
}
