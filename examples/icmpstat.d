#!/usr/bin/env -S dscript -s
/*
 * icmpstat.d - what ICMP messages come and go?
 *
 * Counts ICMP's statistics by name: messages in and out, echoes and their replies, destinations
 * that cannot be reached, redirects, exceeded times.
 *
 * Usage: icmpstat.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     STATISTIC                         VALUE
 *     icmpInDestUnreachs                    1
 *     icmpInMsgs                            1
 *     icmpOutDestUnreachs                   1
 *     icmpOutMsgs                           1
 *
 * Notes: IPv4.  A statistic that did not grow is not there.  The names are those of the mib
 *     provider; all network namespaces count together.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortkey

mib:::icmp*
{
	@grown[probename] = sum(arg0);
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
	printf("\n%Y\n%-28s %10s\n", walltimestamp, "STATISTIC", "VALUE");
	printa("%-28s %@10d\n", @grown);
	trunc(@grown);
	elapsed = 0;
}
