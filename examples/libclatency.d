#!/usr/bin/env -S dscript -s
/*
 * libclatency.d - how long do calls of a C library function take?
 *
 * A distribution of nanoseconds between the function's entry and its return, waiting
 * included, for each function of a program's C library that matches.
 *
 * Usage: libclatency.d FUNCTION -c COMMAND
 *        libclatency.d FUNCTION -p PID
 *   FUNCTION  its name, or a pattern: malloc, 'str*dup', 'pthread_*'
 *
 * Sample:
 *   NANOSECONDS BY FUNCTION
 *     calloc
 *              value  ------------- Distribution ------------- count
 *                512 |                                         0
 *               1024 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@     9
 *               2048 |                                         0
 *               4096 |                                         0
 *               8192 |                                         0
 *              16384 |                                         0
 *              32768 |@@@@                                     1
 *              65536 |                                         0
 *
 * Notes: Linux 6.1 and later. Tracing itself costs about a microsecond for each of the
 * two probes, and a part of that is in the time: compare functions, don't measure
 * short ones. A function that calls itself is counted at its innermost.
 */

#pragma D option quiet

pid$target:libc:$1:entry
{
	self->start[probefunc] = timestamp;
}

pid$target:libc:$1:return
/self->start[probefunc]/
{
	@[probefunc] = quantize(timestamp - self->start[probefunc]);
	self->start[probefunc] = 0;
}

END
{
	printf("NANOSECONDS BY FUNCTION\n");
	printa("  %s%@d\n", @);
}
