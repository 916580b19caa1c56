#!/usr/bin/env -S dscript -s
/*
 * tcpconnect.d - which processes open TCP connections, and where to?
 *
 * Prints a line when a connection's first segment is sent: the process that asks for it and
 * both ends.
 *
 * Usage: tcpconnect.d [port]
 *     port   only connections to this port; all if not given
 *
 * Sample:
 *     TIME                      PID COMMAND          LADDR            LPORT RADDR            RPORT
 *     2026 Nov 21 09:20:10    29041 python3          127.0.0.1        47648 127.0.0.1        37279
 *     2026 Nov 21 09:20:10    29041 python3          ::1              40738 ::1              34301
 *     2026 Nov 21 09:20:10    29041 python3          127.0.0.1        53208 127.0.0.1        53175
 *
 * Notes: It costs nothing between connections.  What comes of them: tcpconnlat.d.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%-20s %8s %-16s %-15s %6s %-15s %6s\n", "TIME", "PID", "COMMAND", "LADDR", "LPORT",
	    "RADDR", "RPORT");
}

tcp:::connect-request
/$1 == 0 || args[3]->tcps_rport == $1/
{
	printf("%Y %8d %-16s %-15s %6d %-15s %6d\n", walltimestamp, pid, execname,
	    args[3]->tcps_laddr, args[3]->tcps_lport, args[3]->tcps_raddr, args[3]->tcps_rport);
}
