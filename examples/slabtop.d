#!/usr/bin/env -S dscript -s
/*
 * slabtop.d - which kinds of kernel objects are made, and by whom?
 *
 * Counts the objects taken from the kernel's slab caches (inodes, directory entries, sockets,
 * tasks, I/O requests) by cache and process, with their bytes, the commonest last.
 *
 * Usage: slabtop.d [interval]
 *     interval   seconds between tables; one table at Ctrl-C if not given
 *
 * Sample:
 *     CACHE                        COMMAND             OBJECTS        BYTES
 *     anon_vma                     python3                 810        84240
 *     anon_vma_chain               python3                 966        61824
 *     vm_area_struct               python3                1104       211968
 *     maple_node                   python3                1194       305664
 *
 * Notes: Objects made, not those in use, which slabtop(1) shows.  Caches of the same size are
 *     often merged under one name.  Needs Linux 6.1, where the tracepoint tells the cache.
 */

#pragma D option quiet
#pragma D option defaultargs

sdt:kmem::kmem_cache_alloc
{
	@objects[stringof(args[2]->name), execname] = count();
	@bytes[stringof(args[2]->name), execname] = sum(args[2]->size);
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
	printf("\n%Y\n%-28s %-16s %10s %12s\n", walltimestamp, "CACHE", "COMMAND", "OBJECTS",
	    "BYTES");
	printa("%-28s %-16s %@10d %@12d\n", @objects, @bytes);
	trunc(@objects);
	trunc(@bytes);
	elapsed = 0;
}
