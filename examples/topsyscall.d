#!/usr/bin/env -S dscript -s
/*
 * topsyscall.d - which system calls does this machine make most?
 *
 * A table every few seconds of the ten commonest system calls and how often they were
 * made.
 *
 * Usage: topsyscall.d [SECONDS [COUNT]]
 *   SECONDS  between two tables; 1 if not given
 *   COUNT    of tables, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   vm
 *   Sat Nov 21 09:20:53 UTC 2026
 *   2026 Nov 21 09:20:53
 *   CALL                          COUNT
 *   clock_gettime                 14716
 *   newfstatat                     1213
 *
 * Notes: Linux 6.1 and later. procsystime.d shows what calls cost,
 * syscallbyproc.d who makes them.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option aggsortrev

inline int INTERVAL = $1 ? $1 : 1;

BEGIN
{
	seconds = 0;
	ended = 0;
}

syscall:::entry
{
	@calls[probefunc] = count();
}

tick-1s
{
	seconds++;
}

tick-1s,
END
/probename == "END" ? !ended : seconds % INTERVAL == 0/
{
	trunc(@calls, 10);
	printf("%Y\n%-24s %10s\n", walltimestamp, "CALL", "COUNT");
	printa("%-24s %@10d\n", @calls);
	printf("\n");
	trunc(@calls);
}

tick-1s
/$2 && seconds >= INTERVAL * $2/
{
	ended = 1;
	exit(0);
}
