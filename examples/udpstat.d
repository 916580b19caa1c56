#!/usr/bin/env -S dscript -s
/*
 * udpstat.d - what does UDP do, second by second, and what does it lose?
 *
 * Prints the growth of UDP's statistics: datagrams sent and taken by processes, those for a port
 * where nobody listens, for a socket whose buffer is full, and bad ones.
 *
 * Usage: udpstat.d [interval]
 *     interval   seconds between lines; one line at Ctrl-C if not given
 *
 * Sample:
 *            OUT         IN     NOPORT   OVERFLOW     ERRORS
 *              4          3          1          0          0
 *
 * Notes: The probes are where the kernel's own counters (/proc/net/snmp, Udp) grow, and count for
 *     all network namespaces together; docs/providers.md says where they differ.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%10s %10s %10s %10s %10s\n", "OUT", "IN", "NOPORT", "OVERFLOW", "ERRORS");
	@out = sum(0);
}

mib:::udpOutDatagrams { @out = sum(arg0); }
mib:::udpInDatagrams { @in = sum(arg0); }
mib:::udpNoPorts { @noport = sum(arg0); }
mib:::udpInOverflows { @overflow = sum(arg0); }
mib:::udpInErrors { @errors = sum(arg0); }

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
	printa("%@10d %@10d %@10d %@10d %@10d\n", @out, @in, @noport, @overflow, @errors);
	clear(@out);
	clear(@in);
	clear(@noport);
	clear(@overflow);
	clear(@errors);
	elapsed = 0;
}
