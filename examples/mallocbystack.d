#!/usr/bin/env -S dscript -s
/*
 * mallocbystack.d - which code allocates memory, and in what sizes?
 *
 * Distributions of the sizes that a program asks malloc(3), calloc(3) and realloc(3)
 * for, by user stack; the stack with most allocations comes last.
 *
 * Usage: mallocbystack.d -c COMMAND
 *        mallocbystack.d -p PID
 *
 * Sample:
 *                 libc.so.6`malloc
 *                 al`main+0x72
 *                 libc.so.6`__libc_start_call_main+0x7a
 *                 libc.so.6`__libc_start_main_impl+0x85
 *                 al`_start+0x21
 *              value  ------------- Distribution ------------- count
 *                 32 |                                         0
 *                 64 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1
 *                128 |                                         0
 *                 libc.so.6`calloc
 *                 al`leak+0x11
 *                 al`main+0x4f
 *
 * Notes: Linux 6.1 and later. Costs about a microsecond for each call and as much again
 * for its stack. Programs need no frame pointers, but unwind tables, which nearly all have.
 */

#pragma D option quiet
#pragma D option ustackframes=8

pid$target:libc:malloc:entry
{
	@[ustack()] = quantize(arg0);
}

pid$target:libc:calloc:entry
{
	@[ustack()] = quantize(arg0 * arg1);
}

pid$target:libc:realloc:entry
{
	@[ustack()] = quantize(arg1);
}
