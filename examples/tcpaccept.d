#!/usr/bin/env -S dscript -s
/*
 * tcpaccept.d - who connects to this machine, and whom does it turn away?
 *
 * Prints a line for each TCP connection that a peer has opened, when the handshake is done, and
 * for each that was refused because nobody listens at its port.
 *
 * Usage: tcpaccept.d [port]
 *     port   only connections to this port; all if not given
 *
 * Sample:
 *     TIME                 LADDR            LPORT RADDR            RPORT RESULT
 *     2026 Nov 21 09:20:12 127.0.0.1        56159 127.0.0.1        52702 accepted
 *     2026 Nov 21 09:20:12 ::1              48787 ::1              45654 accepted
 *     2026 Nov 21 09:20:12 127.0.0.1        47663 127.0.0.1        45996 refused
 *
 * Notes: A connection is there before a process takes it: soaccept.d has the process.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%-20s %-15s %6s %-15s %6s %s\n", "TIME", "LADDR", "LPORT", "RADDR", "RPORT",
	    "RESULT");
}

tcp:::accept-established
/$1 == 0 || args[3]->tcps_lport == $1/
{
	printf("%Y %-15s %6d %-15s %6d %s\n", walltimestamp, args[3]->tcps_laddr,
	    args[3]->tcps_lport, args[3]->tcps_raddr, args[3]->tcps_rport, "accepted");
}

/* The reset that answers is on its way out. */
tcp:::accept-refused
/$1 == 0 || args[4]->tcp_sport == $1/
{
	printf("%Y %-15s %6d %-15s %6d %s\n", walltimestamp, args[2]->ip_saddr,
	    args[4]->tcp_sport, args[2]->ip_daddr, args[4]->tcp_dport, "refused");
}
