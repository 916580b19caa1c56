#!/usr/bin/env -S dscript -s
/*
 * leaks.d - which memory is allocated and never freed, and by what code?
 *
 * Remembers each malloc(3), calloc(3) and realloc(3) of a program until it is freed, and
 * shows at the end (or at Ctrl-C) by calling function how many blocks and bytes are
 * left, most bytes last.
 *
 * Usage: leaks.d -c COMMAND
 *        leaks.d -p PID
 *
 * Sample:
 *            BYTES     BLOCKS CALLER
 *             1000         10 al`leak
 *             1900          1 al`main
 *            27000          3 al`keep
 *
 * Notes: Linux 6.1 and later. Blocks from before tracing began are not known. A program
 * that holds many blocks needs -x dynvarsize=64m. What is left is no leak if the program
 * still uses it: look at what grows between two runs of different length.
 */

#pragma D option quiet
#pragma D option dynvarsize=8m

int64_t size[uintptr_t];
uintptr_t origin[uintptr_t];

pid$target:libc:malloc:entry
{
	self->size = arg0;
	self->origin = ucaller;
}

pid$target:libc:calloc:entry
{
	self->size = arg0 * arg1;
	self->origin = ucaller;
}

/* Without an old block realloc() is malloc(), with a size of 0 free(), and calls these. */
pid$target:libc:realloc:entry
/arg0 && arg1/
{
	self->size = arg1;
	self->origin = ucaller;
	self->old = arg0;
}

pid$target:libc:free:entry
{
	self->old = arg0;
}

/* What realloc() gives back may be where the old block was: that one goes first. */
pid$target:libc:free:entry,
pid$target:libc:realloc:return
/self->old && origin[self->old]/
{
	@bytes[ufunc(origin[self->old])] = sum(-size[self->old]);
	@blocks[ufunc(origin[self->old])] = sum(-1);
	size[self->old] = 0;
	origin[self->old] = 0;
}

pid$target:libc:malloc:return,
pid$target:libc:calloc:return,
pid$target:libc:realloc:return
/self->origin && arg1/
{
	size[arg1] = self->size;
	origin[arg1] = self->origin;
	@bytes[ufunc(self->origin)] = sum(self->size);
	@blocks[ufunc(self->origin)] = sum(1);
}

pid$target:libc:malloc:return,
pid$target:libc:calloc:return,
pid$target:libc:realloc:return,
pid$target:libc:free:entry
{
	self->origin = 0;
	self->old = 0;
}

END
{
	printf("%14s %10s %s\n", "BYTES", "BLOCKS", "CALLER");
	printa("%@14d %@10d %A\n", @bytes, @blocks);
}
