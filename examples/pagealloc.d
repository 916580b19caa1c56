#!/usr/bin/env -S dscript -s
/*
 * pagealloc.d - who makes the kernel hand out pages of memory, and how many at a time?
 *
 * Adds up the pages that the page allocator gives by process and order (2^order pages in a row),
 * and those that come back.
 *
 * Usage: pagealloc.d [pid]
 *     pid   only what this process causes; all if not given
 *
 * Sample:
 *          PID COMMAND          ORDER      TIMES      PAGES      FREED
 *        28034 python3              3          1          8          8
 *        28034 python3              4          1         16         16
 *        28034 python3              2         13         52         20
 *        28034 python3              0     233078     233078     232847
 *
 * Notes: A page is 4 KiB on most machines.  Pages for files that are read ahead and for the slab
 *     caches are in it.  High orders are hard to find in fragmented memory.
 */

#pragma D option quiet
#pragma D option defaultargs

sdt:kmem::mm_page_alloc
/args[0] != NULL && ($1 == 0 || pid == $1)/
{
	@times[pid, execname, args[1]] = count();
	@pages[pid, execname, args[1]] = sum(1 << args[1]);
}

sdt:kmem::mm_page_free
/$1 == 0 || pid == $1/
{
	@freed[pid, execname, args[1]] = sum(1 << args[1]);
}

dtrace:::END
{
	printf("%8s %-16s %5s %10s %10s %10s\n", "PID", "COMMAND", "ORDER", "TIMES", "PAGES",
	    "FREED");
	setopt("aggsortpos", "1");
	printa("%8d %-16s %5d %@10d %@10d %@10d\n", @times, @pages, @freed);
}
