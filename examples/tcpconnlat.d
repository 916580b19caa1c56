#!/usr/bin/env -S dscript -s
/*
 * tcpconnlat.d - how long does it take to make a TCP connection?
 *
 * Measures from the first segment until the peer's answer has come, which is the way there and
 * back and the time of the peer's kernel.  Prints each connection and, at the end, the
 * distribution for each peer.
 *
 * Usage: tcpconnlat.d [least]
 *     least   only connections that took so many microseconds or more
 *
 * Sample:
 *          PID COMMAND          RADDR                   RPORT   TIME(us) RESULT
 *        26228 python3          127.0.0.1               56801        113 connected
 *        26228 python3          ::1                     56637         24 connected
 *        26228 python3          127.0.0.1               48391         16 refused
 *
 *     ::1, microseconds:
 *
 *                value  ------------- Distribution ------------- count
 *
 * Notes: The process is the one that asked for the connection.  Attempts without an answer show
 *     only in tcpretrans.d.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t began[uint64_t];	/* by connection */
pid_t asker[uint64_t];
string name[uint64_t];

dtrace:::BEGIN
{
	printf("%8s %-16s %-22s %6s %10s %s\n", "PID", "COMMAND", "RADDR", "RPORT", "TIME(us)",
	    "RESULT");
}

tcp:::connect-request
{
	began[args[1]->cs_cid] = timestamp;
	asker[args[1]->cs_cid] = pid;
	name[args[1]->cs_cid] = execname;
}

tcp:::connect-established,
tcp:::connect-refused
/began[args[1]->cs_cid]/
{
	this->took = (timestamp - began[args[1]->cs_cid]) / 1000;
}

tcp:::connect-established,
tcp:::connect-refused
/began[args[1]->cs_cid] && this->took >= $1/
{
	printf("%8d %-16s %-22s %6d %10d %s\n", asker[args[1]->cs_cid], name[args[1]->cs_cid],
	    args[3]->tcps_raddr, args[3]->tcps_rport, this->took,
	    probename == "connect-refused" ? "refused" : "connected");
	@times[args[3]->tcps_raddr] = quantize(this->took);
}

tcp:::connect-established,
tcp:::connect-refused
{
	began[args[1]->cs_cid] = 0;
	asker[args[1]->cs_cid] = 0;
	name[args[1]->cs_cid] = 0;
}

dtrace:::END
{
	printa("\n%s, microseconds:\n%@d", @times);
}
