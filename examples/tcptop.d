#!/usr/bin/env -S dscript -s
/*
 * tcptop.d - which TCP connections carry the most data?
 *
 * Adds up the data sent and received by connection; prints the sums, the largest last, as
 * often as asked for.
 *
 * Usage: tcptop.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     LADDR            LPORT RADDR            RPORT      BYTES       SENT   RECEIVED
 *     127.0.0.1        50853 127.0.0.1        55230        547        519         28
 *
 * Notes: Bytes are those of data, without headers; what is sent again counts again.  sotop.d
 *     has the same by process.
 */

#pragma D option quiet
#pragma D option defaultargs

tcp:::send
{
	@sent[args[2]->ip_saddr, args[4]->tcp_sport, args[2]->ip_daddr, args[4]->tcp_dport] =
	    sum(args[2]->ip_plength - args[4]->tcp_offset);
	@both[args[2]->ip_saddr, args[4]->tcp_sport, args[2]->ip_daddr, args[4]->tcp_dport] =
	    sum(args[2]->ip_plength - args[4]->tcp_offset);
}

tcp:::receive
{
	@received[args[2]->ip_daddr, args[4]->tcp_dport, args[2]->ip_saddr, args[4]->tcp_sport] =
	    sum(args[2]->ip_plength - args[4]->tcp_offset);
	@both[args[2]->ip_daddr, args[4]->tcp_dport, args[2]->ip_saddr, args[4]->tcp_sport] =
	    sum(args[2]->ip_plength - args[4]->tcp_offset);
}

profile:::tick-1s
{
	++elapsed;
}

dtrace:::END
{
	elapsed = $1;	/* the rest is shown too */
}

profile:::tick-1s,
dtrace:::END
/elapsed == $1/
{
	printf("\n%Y\n%-15s %6s %-15s %6s %10s %10s %10s\n", walltimestamp, "LADDR", "LPORT",
	    "RADDR", "RPORT", "BYTES", "SENT", "RECEIVED");
	printa("%-15s %6d %-15s %6d %@10d %@10d %@10d\n", @both, @sent, @received);
	trunc(@both);
	trunc(@sent);
	trunc(@received);
	elapsed = 0;
}
