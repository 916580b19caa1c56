#!/usr/bin/env -S dscript -s
/*
 * hotkernel.d - which kernel functions use the CPUs?
 *
 * Looks 997 times a second at what every CPU executes and counts the kernel functions found
 * there, the busiest last.  Idle CPUs do not count.
 *
 * Usage: hotkernel.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     KERNEL FUNCTION                                       SAMPLES
 *     vmlinux`exc_page_fault                                      8
 *     vmlinux`_raw_spin_unlock_irqrestore                         9
 *     vmlinux`iowrite16                                          21
 *     vmlinux`init_once                                          27
 *     in all                                                    274
 *
 * Notes: A CPU that has its interrupts off is seen when they are on again, which makes the
 *     functions that turn them on look busier than they are.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Sampling... Ctrl-C ends.\n");
}

profile:::profile-997
/arg0 && pid/
{
	@samples[func(arg0)] = count();
	@all = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%-52s %8s\n", "KERNEL FUNCTION", "SAMPLES");
	printa("%-52a %@8d\n", @samples);
	printf("%-52s", "in all");
	printa(" %@8d\n", @all);
}
