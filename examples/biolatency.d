#!/usr/bin/env -S dscript -s
/*
 * biolatency.d - how long do disk I/Os take, as a distribution?
 *
 * A histogram of microseconds for each disk and direction at Ctrl-C, or every few
 * seconds. Two humps are two kinds of I/O: cache hits and misses of the disk, say.
 *
 * Usage: biolatency.d [SECONDS [COUNT]]
 *   SECONDS  between two reports; 0 or none: one at the end
 *   COUNT    of reports, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *     vda read, microseconds
 *              value  ------------- Distribution ------------- count
 *                 16 |                                         0
 *                 32 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@            8
 *                 64 |@@@@@@@                                  2
 *                128 |                                         0
 *                256 |                                         0
 *                512 |@@@@                                     1
 *               1024 |                                         0
 *     vda write, microseconds
 *              value  ------------- Distribution ------------- count
 *                 16 |                                         0
 *                 32 |@@@@@@@@                                 4
 *                 64 |@@@@@@@@@@@@@@@@@@@@@@@@                 12
 *                128 |@@                                       1
 *                256 |@@@@                                     2
 *                512 |@@                                       1
 *               1024 |                                         0
 *
 * Notes: Linux 6.1 and later. With --heatmap latency.svg the same program draws how
 * the distribution changes over time.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int INTERVAL = $1 ? $1 : 1;

BEGIN
{
	seconds = 0;
}

io:::start
{
	start[arg0] = timestamp;
}

io:::done
/start[arg0]/
{
	@us[args[1]->dev_statname, args[0]->b_flags & B_READ ? "read" : "write"] =
	    quantize((timestamp - start[arg0]) / 1000);
	start[arg0] = 0;
}

tick-1s
{
	seconds++;
}

tick-1s
/$1 && seconds % INTERVAL == 0/
{
	printf("%Y\n", walltimestamp);
	printa("  %s %s, microseconds%@d\n", @us);
	trunc(@us);
}

tick-1s
/$1 && $2 && seconds >= INTERVAL * $2/
{
	exit(0);
}

END
{
	printa("  %s %s, microseconds%@d\n", @us);
}
