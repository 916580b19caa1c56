#!/usr/sbin/dtrace -s
#pragma D option quiet
#pragma D option switchrate=10hz
tcp:::accept-established
{
	printf("%-16s %6d\n", args[2]->ip_saddr, args[4]->tcp_dport);
}
