#!/usr/bin/env -S dscript -s
/*
 * uflow.d - in what order do a program's functions call each other?
 *
 * The functions of a library, or of the program itself, that match a pattern, as they are
 * entered (with their first argument) and left (with their result), indented by depth, and
 * the microseconds since the line before.
 *
 * Usage: uflow.d LIBRARY PATTERN -c COMMAND
 *        uflow.d LIBRARY PATTERN -p PID
 *   LIBRARY  libc, libz, ..., or a.out for the program itself
 *   PATTERN  of function names: '*' for all, 'str*'
 *
 * Sample:
 *   CPU FUNCTION
 *     0  -> main                                  (0x1) +0 us
 *     0    -> middle                              (0x5) +549 us
 *     0      -> leaf                              (0x5) +3112 us
 *     0      <- leaf                              = 10 +14 us
 *     0      -> leaf                              (0x6) +44 us
 *     0      <- leaf                              = 12 +1 us
 *     0    <- middle                              = 22 +12 us
 *     0  <- main                                  = 0 +11 us
 *
 * Notes: Linux 6.1 and later. For a program with one thread: threads share the indent.
 * A call costs about a microsecond for each of its two lines.
 */

#pragma D option flowindent

self uint64_t last;	/* time of the line before */

pid$target:$1:$2:entry
{
	printf("(0x%x) +%d us", arg0, self->last ? (timestamp - self->last) / 1000 : 0);
	self->last = timestamp;
}

pid$target:$1:$2:return
{
	printf("= %d +%d us", (int64_t)arg1, (timestamp - self->last) / 1000);
	self->last = timestamp;
}
