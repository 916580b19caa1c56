#!/usr/bin/env -S dscript -s
/*
 * tcpsnoop.d - what TCP segments come and go?
 *
 * Prints a line for each segment that this machine sends or receives: both ends, the bytes of
 * data, and the flags (S SYN, F FIN, R RST, P PSH, A ACK).
 *
 * Usage: tcpsnoop.d [port]
 *     port   only connections with this port at either end; all if not given
 *
 * Sample:
 *       TIME(us) DIR  SADDR            SPORT DADDR            DPORT   BYTES FLAGS
 *          67717 out  127.0.0.1        43366 127.0.0.1        42209       0 S
 *          67759 in   127.0.0.1        43366 127.0.0.1        42209       0 S
 *          67777 out  127.0.0.1        42209 127.0.0.1        43366       0 SA
 *          67781 in   127.0.0.1        42209 127.0.0.1        43366       0 SA
 *          67799 out  127.0.0.1        43366 127.0.0.1        42209       0 A
 *          67802 in   127.0.0.1        43366 127.0.0.1        42209       0 A
 *          91234 out  127.0.0.1        43366 127.0.0.1        42209      28 PA
 *
 * Notes: Segments that were merged on the way in, or that the device will cut up, are one line.
 *     A line a segment is much on a busy machine: name a port, or use tcptop.d.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	begun = timestamp;
	printf("%10s %-4s %-15s %6s %-15s %6s %7s %s\n", "TIME(us)", "DIR", "SADDR", "SPORT", "DADDR",
	    "DPORT", "BYTES", "FLAGS");
}

tcp:::send,
tcp:::receive
/$1 == 0 || args[4]->tcp_sport == $1 || args[4]->tcp_dport == $1/
{
	this->flags = args[4]->tcp_flags;
	printf("%10d %-4s %-15s %6d %-15s %6d %7d %s%s%s%s%s\n", (timestamp - begun) / 1000,
	    probename == "send" ? "out" : "in", args[2]->ip_saddr, args[4]->tcp_sport,
	    args[2]->ip_daddr, args[4]->tcp_dport, args[2]->ip_plength - args[4]->tcp_offset,
	    this->flags & TH_SYN ? "S" : "", this->flags & TH_FIN ? "F" : "",
	    this->flags & TH_RST ? "R" : "", this->flags & TH_PUSH ? "P" : "",
	    this->flags & TH_ACK ? "A" : "");
}
