#!/usr/bin/env -S dscript -s
/*
 * funclatency.d - how long do calls of this kernel function take?
 *
 * Draws the distribution of the time from entry to return of a kernel function (or of several), and
 * prints the number of calls, the average and the longest.
 *
 * Usage: funclatency.d GLOB [seconds]
 *     GLOB      a function, as vfs_read, or several, as 'vfs_*' in quotes
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     vfs_read, nanoseconds:
 *
 *                value  ------------- Distribution ------------- count
 *                 2048 |                                         0
 *                 4096 |@@@                                      1
 *                 8192 |@@@@@@@@@                                3
 *                16384 |@@@                                      1
 *                32768 |@@@@@@                                   2
 *
 *     FUNCTION                                  CALLS      AVG(ns)      MAX(ns)
 *     vfs_read                                     14       892809      5334922
 *
 * Notes: Needs a kernel with kprobes or fentry.  Times are nanoseconds and include what the
 *     function calls and waits for.  Of a function that calls itself, the innermost call counts.
 */

#pragma D option quiet
#pragma D option defaultargs

fbt::$1:entry
{
	self->began[probefunc] = timestamp;
}

fbt::$1:return
/self->began[probefunc]/
{
	this->time = timestamp - self->began[probefunc];
	self->began[probefunc] = 0;
	@times[probefunc] = quantize(this->time);
	@calls[probefunc] = count();
	@average[probefunc] = avg(this->time);
	@longest[probefunc] = max(this->time);
}

profile:::tick-1s
/$2 && ++elapsed == $2/
{
	exit(0);
}

dtrace:::END
{
	printa("\n%s, nanoseconds:\n%@d", @times);
	printf("\n%-36s %10s %12s %12s\n", "FUNCTION", "CALLS", "AVG(ns)", "MAX(ns)");
	printa("%-36s %@10d %@12d %@12d\n", @calls, @average, @longest);
}
