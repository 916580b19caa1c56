#!/usr/bin/env -S dscript -s
/*
 * lockstat.d - which locks of the kernel are fought over, and where?
 *
 * Adds up the time that threads wait for the kernel's locks by the path that leads to the lock, the
 * longest last, and prints the locks by address with the number of waits.
 *
 * Usage: lockstat.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     KIND             LOCK                  WAITS      AVG(ns)      SUM(ns)
 *     spin-spin        0xffff888627c2ba40      114        12600      1436424
 *     rw-block         0xffff88814bf5d1f8      271       319780     86660609
 *
 * Notes: Free locks cost nothing and do not show.  Times are nanoseconds.  Locks have addresses,
 *     not names: the stacks tell what they are.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

lockstat:::adaptive-block,
lockstat:::adaptive-spin,
lockstat:::rw-block,
lockstat:::spin-spin
{
	@stacks[probename, stack(8)] = sum(arg1);
	@waits[probename, arg0] = count();
	@average[probename, arg0] = avg(arg1);
	@total[probename, arg0] = sum(arg1);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	trunc(@stacks, 10);
	printa("\n%s%k%@20d ns\n", @stacks);
	printf("\n%-16s %-18s %8s %12s %12s\n", "KIND", "LOCK", "WAITS", "AVG(ns)", "SUM(ns)");
	setopt("aggsortpos", "2");
	printa("%-16s 0x%-16x %@8d %@12d %@12d\n", @waits, @average, @total);
}
