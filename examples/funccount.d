#!/usr/bin/env -S dscript -s
/*
 * funccount.d - how often are these kernel functions called?
 *
 * Counts the calls of every kernel function whose name matches, and prints those that were called,
 * the commonest last.
 *
 * Usage: funccount.d GLOB [seconds]
 *     GLOB      functions, as vfs_read or 'tcp_*' (in quotes, for the shell)
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     FUNCTION                                          CALLS
 *     vfs_open                                             31
 *     vfs_fstatat                                          37
 *     vfs_getattr                                          75
 *     vfs_statx                                            77
 *     vfs_getxattr                                        124
 *     vfs_getattr_nosec                                   152
 *
 * Notes: Needs a kernel with kprobes or fentry.  Functions that the compiler inlined are not there.
 *     Hundreds of functions take a moment to attach on kernels before 5.18.
 */

#pragma D option quiet
#pragma D option defaultargs

fbt::$1:entry
{
	@calls[probefunc] = count();
}

profile:::tick-1s
/$2 && ++elapsed == $2/
{
	exit(0);
}

dtrace:::END
{
	printf("%-44s %10s\n", "FUNCTION", "CALLS");
	printa("%-44s %@10d\n", @calls);
}
