#!/usr/bin/env -S dscript -s
/*
 * vmstat.d - what does the machine's memory do, second by second?
 *
 * A line every few seconds: page faults without a page (FAULT), with one that needed a
 * copy (COW), that waited for a disk (MAJOR); KiB that disks read and wrote; pages
 * freed under pressure and the pages that were looked at to find them.
 *
 * Usage: vmstat.d [SECONDS [COUNT]]
 *   SECONDS  between two lines; 1 if not given
 *   COUNT    of lines, then it ends; 0: until Ctrl-C
 *
 * Sample:
 *   SECOND       FAULT       COW     MAJOR     IN(K)    OUT(K)     FREED      SCAN
 *   1             4770        71        64       256     10248         0         0
 *   2             2587        54         0      1104      3340         0         0
 *   3                0         0         0         0         0         0         0
 *   3                0         0         0         0         0         0         0
 *
 * Notes: Linux 6.1 and later. FREED and SCAN above 0 for long mean that memory is
 * short; majorfaults.d shows who suffers.
 */

#pragma D option quiet
#pragma D option defaultargs

inline int INTERVAL = $1 ? $1 : 1;

BEGIN
{
	printf("%-8s %9s %9s %9s %9s %9s %9s %9s\n", "SECOND", "FAULT", "COW", "MAJOR", "IN(K)",
	    "OUT(K)", "FREED", "SCAN");
	seconds = 0;
	ended = 0;
	@fault = sum(0);
	@cow = sum(0);
	@major = sum(0);
	@in = sum(0);
	@out = sum(0);
	@freed = sum(0);
	@scan = sum(0);
}

vminfo:::as_fault
{
	@fault = sum(arg0);
}

vminfo:::cow_fault
{
	@cow = sum(arg0);
}

vminfo:::maj_fault
{
	@major = sum(arg0);
}

io:::start
{
	@in = sum(args[0]->b_flags & B_READ ? args[0]->b_bcount : 0);
	@out = sum(args[0]->b_flags & B_READ ? 0 : args[0]->b_bcount);
}

vminfo:::dfree
{
	@freed = sum(arg0);
}

vminfo:::scan
{
	@scan = sum(arg0);
}

tick-1s
{
	seconds++;
}

tick-1s,
END
/probename == "END" ? !ended : seconds % INTERVAL == 0/
{
	normalize(@in, 1024);
	normalize(@out, 1024);
	printf("%-8d", seconds);
	printa(" %@9d %@9d %@9d %@9d %@9d %@9d %@9d\n", @fault, @cow, @major, @in, @out, @freed,
	    @scan);
	clear(@fault);
	clear(@cow);
	clear(@major);
	clear(@in);
	clear(@out);
	clear(@freed);
	clear(@scan);
}

tick-1s
/$2 && seconds >= INTERVAL * $2/
{
	ended = 1;
	exit(0);
}
