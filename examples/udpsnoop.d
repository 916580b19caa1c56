#!/usr/bin/env -S dscript -s
/*
 * udpsnoop.d - what UDP datagrams come and go, and whose are they?
 *
 * Prints a line for each datagram sent or received, with both ends and the bytes of data.  For
 * one that is sent, the process is the sender.
 *
 * Usage: udpsnoop.d [port]
 *     port   only datagrams with this port at either end; all if not given
 *
 * Sample:
 *     DIR       PID COMMAND      SADDR            SPORT DADDR            DPORT  BYTES
 *     out     29274 python3      127.0.0.1        36987 127.0.0.1        40297      5
 *     in          - -            127.0.0.1        36987 127.0.0.1        40297      5
 *     out     29274 python3      127.0.0.1        36987 127.0.0.1        40297      5
 *     in          - -            127.0.0.1        36987 127.0.0.1        40297      5
 *
 * Notes: A datagram comes in in an interrupt, whatever process that interrupts: there the
 *     process is left out.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%-4s %8s %-12s %-15s %6s %-15s %6s %6s\n", "DIR", "PID", "COMMAND", "SADDR", "SPORT",
	    "DADDR", "DPORT", "BYTES");
}

udp:::send
/$1 == 0 || args[4]->udp_sport == $1 || args[4]->udp_dport == $1/
{
	printf("%-4s %8d %-12s %-15s %6d %-15s %6d %6d\n", "out", pid, execname,
	    args[2]->ip_saddr, args[4]->udp_sport, args[2]->ip_daddr, args[4]->udp_dport,
	    args[4]->udp_length - 8);
}

udp:::receive
/$1 == 0 || args[4]->udp_sport == $1 || args[4]->udp_dport == $1/
{
	printf("%-4s %8s %-12s %-15s %6d %-15s %6d %6d\n", "in", "-", "-", args[2]->ip_saddr,
	    args[4]->udp_sport, args[2]->ip_daddr, args[4]->udp_dport, args[4]->udp_length - 8);
}
