#!/usr/bin/env -S dscript -s
/*
 * ipstat.d - how many IP packets come and go, second by second, and what is dropped?
 *
 * Prints the growth of IP's statistics: packets received, asked for to be sent, and dropped for a
 * bad header or checksum, an unknown protocol, or for want of a route.
 *
 * Usage: ipstat.d [interval]
 *     interval   seconds between lines; one line at Ctrl-C if not given
 *
 * Sample:
 *             IN        OUT     HEADER   CHECKSUM   PROTOCOL    NOROUTE
 *             22         22          0          0          0          0
 *
 * Notes: IPv4.  The probes are where the kernel's own counters (/proc/net/snmp, Ip) grow, and count
 *     for all network namespaces together; docs/providers.md says where they differ.  Packets
 *     that were merged on the way in count once.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%10s %10s %10s %10s %10s %10s\n", "IN", "OUT", "HEADER", "CHECKSUM", "PROTOCOL",
	    "NOROUTE");
	@in = sum(0);
}

mib:::ipInReceives { @in = sum(arg0); }
mib:::ipOutRequests { @out = sum(arg0); }
mib:::ipInHdrErrors { @header = sum(arg0); }
mib:::ipInCksumErrs { @checksum = sum(arg0); }
mib:::ipInUnknownProtos { @protocol = sum(arg0); }
mib:::ipOutNoRoutes { @noroute = sum(arg0); }

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
	printa("%@10d %@10d %@10d %@10d %@10d %@10d\n", @in, @out, @header, @checksum, @protocol,
	    @noroute);
	clear(@in);
	clear(@out);
	clear(@header);
	clear(@checksum);
	clear(@protocol);
	clear(@noroute);
	elapsed = 0;
}
