#!/usr/bin/env -S dscript -s
/*
 * lastwords.d - what did a command do just before it died?
 *
 * Remembers the system calls of a command in a ring buffer, without printing anything,
 * until one of its processes ends; then the last ones are printed, with their results.
 *
 * Usage: lastwords.d COMMAND
 *   COMMAND  the name as ps(1) shows it, 15 characters at most
 *
 * Sample:
 *       24371039583   30167 close(0x3, 0x967f, 0x1)
 *       24371039584   30167 close = 0, errno 0
 *       24371039650   30167 close(0x3, 0x7fba299ae368, 0x0)
 *       24371039651   30167 close = 0, errno 0
 *       24371039858   30167 close(0x3, 0xfbada418, 0x7fba29b7d9e0)
 *       24371039859   30167 close = 0, errno 0
 *
 * Notes: Linux 6.1 and later. Ends with the first such process. -x bufsize=64k
 * remembers more. Each CPU has a ring of its own; the first column, microseconds,
 * tells the order of lines where the process moved.
 */

#pragma D option quiet
#pragma D option bufpolicy=ring
#pragma D option bufsize=16k

syscall:::entry
/execname == $$1/
{
	printf("%15d %7d %s(0x%x, 0x%x, 0x%x)\n", timestamp / 1000, pid, probefunc, arg0, arg1, arg2);
}

syscall:::return
/execname == $$1/
{
	printf("%15d %7d %s = %d, errno %d\n", timestamp / 1000, pid, probefunc, (int64_t)arg1, errno);
}

proc:::signal-handle
/execname == $$1/
{
	printf("%15d %7d signal %d comes\n", timestamp / 1000, pid, args[0]);
}

proc:::exit
/execname == $$1/
{
	printf("%15d %7d end, wait status 0x%x\n", timestamp / 1000, pid, curpsinfo->pr_wstat);
	exit(0);
}
