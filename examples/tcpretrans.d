#!/usr/bin/env -S dscript -s
/*
 * tcpretrans.d - which TCP segments are sent again?
 *
 * Prints a line for each segment that is sent once more because no acknowledgement came: lost
 * packets, a peer that is gone (state-syn-sent: one that never answered), a path that is
 * too full.
 *
 * Usage: tcpretrans.d
 *
 * Sample:
 *     TIME                 LADDR            LPORT RADDR            RPORT BYTES STATE
 *     2026 Nov 21 09:20:18 10.99.7.1        50934 10.99.7.9         7797     0 state-syn-sent
 *
 *     PEER                                        AGAIN
 *     10.99.7.9                                       1
 *
 * Notes: Every segment sent is looked at, which is cheap beside sending it.
 */

#pragma D option quiet

dtrace:::BEGIN
{
	printf("%-20s %-15s %6s %-15s %6s %5s %s\n", "TIME", "LADDR", "LPORT", "RADDR", "RPORT",
	    "BYTES", "STATE");
}

tcp:::send
/args[3]->tcps_retransmit/
{
	printf("%Y %-15s %6d %-15s %6d %5d %s\n", walltimestamp, args[3]->tcps_laddr,
	    args[3]->tcps_lport, args[3]->tcps_raddr, args[3]->tcps_rport,
	    args[2]->ip_plength - args[4]->tcp_offset, tcp_state_string[args[3]->tcps_state]);
	@again[args[3]->tcps_raddr] = count();
}

dtrace:::END
{
	printf("\n%-40s %8s\n", "PEER", "AGAIN");
	printa("%-40s %@8d\n", @again);
}
