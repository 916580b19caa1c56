#!/usr/sbin/dtrace -s
#pragma D option quiet
tcp:::send
{
	this->length = args[2]->ip_plength - args[4]->tcp_offset;
	printf("%d %15s:%-5d -> %15s:%-5d %d %s\n", args[1]->cs_cid != 0, args[2]->ip_saddr,
	    args[4]->tcp_sport, args[2]->ip_daddr, args[4]->tcp_dport, this->length,
	    args[4]->tcp_flags & TH_SYN ? "SYN" : args[4]->tcp_flags & TH_FIN ? "FIN" : "-");
}
