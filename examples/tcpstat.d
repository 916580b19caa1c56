#!/usr/bin/env -S dscript -s
/*
 * tcpstat.d - what does TCP do, second by second?
 *
 * Prints the growth of TCP's statistics: connections opened from here, opened by peers, failed
 * and reset, and segments received, sent, sent again, and resets sent.
 *
 * Usage: tcpstat.d [interval]
 *     interval   seconds between lines; one line at Ctrl-C if not given
 *
 * Sample:
 *       ACTIVE  PASSIVE   FAILED    RESET     INSEGS    OUTSEGS  RETRANS  OUTRSTS
 *            3        2        1        0         23         23        0        1
 *
 * Notes: The probes are where the kernel's own counters (/proc/net/snmp, Tcp) grow, and count for
 *     all network namespaces together; docs/providers.md says where they differ.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("%8s %8s %8s %8s %10s %10s %8s %8s\n", "ACTIVE", "PASSIVE", "FAILED", "RESET",
	    "INSEGS", "OUTSEGS", "RETRANS", "OUTRSTS");
	@active = sum(0);
}

mib:::tcpActiveOpens { @active = sum(arg0); }
mib:::tcpPassiveOpens { @passive = sum(arg0); }
mib:::tcpAttemptFails { @failed = sum(arg0); }
mib:::tcpEstabResets { @reset = sum(arg0); }
mib:::tcpInSegs { @in = sum(arg0); }
mib:::tcpOutSegs { @out = sum(arg0); }
mib:::tcpRetransSegs { @again = sum(arg0); }
mib:::tcpOutRsts { @refused = sum(arg0); }

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
	printa("%@8d %@8d %@8d %@8d %@10d %@10d %@8d %@8d\n", @active, @passive, @failed, @reset,
	    @in, @out, @again, @refused);
	clear(@active);
	clear(@passive);
	clear(@failed);
	clear(@reset);
	clear(@in);
	clear(@out);
	clear(@again);
	clear(@refused);
	elapsed = 0;
}
