#!/usr/bin/env -S dscript -s
/*
 * tcpstate.d - through which states do TCP connections go, and how long do they stay?
 *
 * Prints a line for each change of state: the connection, the state before, the time it was in
 * it, and the new one.  A client goes closed, syn-sent, established, fin-wait-1, fin-wait-2,
 * closed; a server's end goes syn-received, established, close-wait, last-ack, closed.
 *
 * Usage: tcpstate.d [port]
 *     port   only connections with this port at either end; all if not given
 *
 * Sample:
 *     LADDR            LPORT RADDR            RPORT BEFORE          TIME(us) STATE
 *     127.0.0.1        59143 0.0.0.0              0 closed                 0 listen
 *     127.0.0.1            0 127.0.0.1        59143 closed                 0 syn-sent
 *     127.0.0.1        50854 127.0.0.1        59143 syn-sent              87 established
 *     127.0.0.1        59143 127.0.0.1        50854 listen                 0 syn-received
 *     127.0.0.1        59143 127.0.0.1        50854 syn-received           8 established
 *     127.0.0.1        50854 127.0.0.1        59143 established        25014 fin-wait-1
 *
 * Notes: TIME-WAIT is no state of a Linux socket: what waits there is closed.  The time is 0 for
 *     the first change that is seen.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t since[uint64_t];	/* the last change, by connection */

dtrace:::BEGIN
{
	printf("%-15s %6s %-15s %6s %-13s %10s %s\n", "LADDR", "LPORT", "RADDR", "RPORT", "BEFORE",
	    "TIME(us)", "STATE");
}

tcp:::state-change
/$1 == 0 || args[3]->tcps_lport == $1 || args[3]->tcps_rport == $1/
{
	this->id = args[1]->cs_cid;
	this->stayed = since[this->id] ? (timestamp - since[this->id]) / 1000 : 0;
	since[this->id] = args[3]->tcps_state == TCP_STATE_CLOSED ? 0 : timestamp;
	printf("%-15s %6d %-15s %6d %-13s %10d %s\n", args[3]->tcps_laddr, args[3]->tcps_lport,
	    args[3]->tcps_raddr, args[3]->tcps_rport, substr(tcp_state_string[args[5]->tcps_state], 6),
	    this->stayed, substr(tcp_state_string[args[3]->tcps_state], 6));
}
