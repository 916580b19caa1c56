#!/usr/bin/env -S dscript -s
/*
 * hotuser.d - which of a program's functions use the CPU?
 *
 * Looks 997 times a second at what every CPU executes and counts the functions of one process
 * (all its threads) and of the libraries it uses, the busiest last.
 *
 * Usage: hotuser.d -p PID | -c COMMAND [seconds]
 *     seconds   how long to look; until the process ends if not given
 *
 * Sample:
 *     FUNCTION                                              SAMPLES
 *     libc.so.6`random                                           16
 *     hot`sortit                                                 37
 *     hot`hash                                                  250
 *     in all                                                    305
 *
 * Notes: Names need symbols: of a stripped program only those show that libraries export.
 *     Interpreters show as themselves; the functions of the script are for `jstack()` and the
 *     interpreter's own probes.
 */

#pragma D option quiet
#pragma D option defaultargs

profile:::profile-997
/arg1 && pid == $target/
{
	@samples[ufunc(arg1)] = count();
	@all = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("%-52s %8s\n", "FUNCTION", "SAMPLES");
	printa("%-52A %@8d\n", @samples);
	printf("%-52s", "in all");
	printa(" %@8d\n", @all);
}
