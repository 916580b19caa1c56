#!/usr/bin/env -S dscript -s
/*
 * fbtflow.d - which functions does the kernel call to do this?
 *
 * Follows each call of one kernel function through the functions of its part of the kernel, and
 * shows them indented, with the nanoseconds since it was entered.
 *
 * Usage: fbtflow.d FUNCTION GLOB -p PID | -c COMMAND
 *     FUNCTION   where to begin, as `vfs_read`
 *     GLOB       the functions to show, as 'vfs_*' or '*' in quotes, FUNCTION among them
 *
 * Sample:
 *     CPU FUNCTION
 *       1  -> vfs_read                              5117
 *       1    -> vfs_iter_read                       110655
 *       1      -> do_iter_read                      122523
 *       1        -> filemap_read                    135332
 *       1          -> up_read                       305798
 *       1          <- up_read                       312267
 *       1        <- filemap_read                    330034
 *       1      <- do_iter_read                      336073
 *       1    <- vfs_iter_read                       338777
 *       1  <- vfs_read                              352387
 *
 * Notes: Needs a kernel with kprobes or fentry.  Thousands of functions take seconds to attach, and
 *     slow down the whole kernel; functions that the compiler inlined are not there.
 */

#pragma D option flowindent
#pragma D option quiet

fbt::$1:entry
/pid == $target/
{
	self->began = timestamp;
}

fbt::$2:entry,
fbt::$2:return
/self->began/
{
	printf("%d\n", timestamp - self->began);
}

fbt::$1:return
/self->began/
{
	self->began = 0;
}
