#!/usr/bin/env -S dscript -s
/*
 * ufunccount.d - which functions of a library does a program call, and how often?
 *
 * Counts the calls of all functions of a library, or of the program itself, that match
 * a pattern; most calls last.
 *
 * Usage: ufunccount.d LIBRARY PATTERN -c COMMAND
 *        ufunccount.d LIBRARY PATTERN -p PID
 *   LIBRARY  libc, libz, ..., or a.out for the program itself
 *   PATTERN  of function names: '*' for all, 'str*'
 *
 * Sample:
 *   Sat Nov 21 09:21:04 UTC 2026
 *   LIBRARY                  FUNCTION                                      CALLS
 *   libc.so.6                strcmp_ifunc                                      1
 *   libc.so.6                strlen_ifunc                                      1
 *   libc.so.6                strrchr_ifunc                                     1
 *   libc.so.6                strftime                                          2
 *   libc.so.6                strftime_l                                        2
 *
 * Notes: Linux 6.1 and later. A function that has several names counts under each.
 * Each call costs about a microsecond: narrow the pattern where a program calls small
 * functions millions of times.
 */

#pragma D option quiet

pid$target:$1:$2:entry
{
	@[probemod, probefunc] = count();
}

END
{
	printf("%-24s %-40s %10s\n", "LIBRARY", "FUNCTION", "CALLS");
	printa("%-24s %-40s %@10d\n", @);
}
