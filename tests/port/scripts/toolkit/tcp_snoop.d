#!/usr/sbin/dtrace -Cs
#define BE16(x) (((x) & 0xff) << 8 | ((x) >> 8) & 0xff)
#pragma D option quiet
fbt:ip:tcp_send_data:entry
{
	self->connp = (conn_t *)args[0]->tcp_connp;
	printf("%d\n", BE16(self->connp->conn_lport));
}
