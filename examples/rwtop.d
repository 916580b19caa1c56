#!/usr/bin/env -S dscript -s
/*
 * rwtop.d - which processes read and write most?
 *
 * A table every few seconds: bytes that each process moved by read and write system
 * calls, to files, pipes, sockets and terminals alike, and the number of calls.
 *
 * Usage: rwtop.d [SECONDS [COUNT]]
 *   SECONDS  between two tables; 5 if not given
 *   COUNT    of tables, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   2026 Nov 21 09:20:15
 *       PID COMM                     BYTES          READ       WRITTEN     CALLS
 *     29143 cat                     333076        169236        163840         8
 *     29140 dscript                 227228        227228             0        19
 *     29142 dd                      169329         87316         82013        27
 *     29144 wc                      169243        169236             7        15
 *
 * Notes: Linux 6.1 and later. What moves without such a call (sendfile, io_uring,
 * mapped files) is not seen.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortrev

BEGIN
{
	interval = $1 ? $1 : 5;
	left = interval;
	tables = 0;
	ended = 0;
}

sysinfo:::readch
{
	@all[pid, execname] = sum(arg0);
	@in[pid, execname] = sum(arg0);
	@out[pid, execname] = sum(0);
	@calls[pid, execname] = count();
}

sysinfo:::writech
{
	@all[pid, execname] = sum(arg0);
	@in[pid, execname] = sum(0);
	@out[pid, execname] = sum(arg0);
	@calls[pid, execname] = count();
}

tick-1s
{
	left--;
}

tick-1s,
END
/probename == "END" ? !ended : left <= 0/
{
	printf("%Y\n%7s %-16s %13s %13s %13s %9s\n", walltimestamp, "PID", "COMM", "BYTES",
	    "READ", "WRITTEN", "CALLS");
	printa("%7d %-16s %@13d %@13d %@13d %@9d\n", @all, @in, @out, @calls);
	printf("\n");
	trunc(@all);
	trunc(@calls);
	trunc(@in);
	trunc(@out);
	left = interval;
	tables++;
}

tick-1s
/$2 && tables >= $2/
{
	ended = 1;
	exit(0);
}
