#!/usr/bin/env -S dscript -s
/*
 * pathopens.d - which files are opened most often on this machine?
 *
 * Counts successful opens by the full path of the file, whoever opened it and
 * however the path was written, and shows the most popular ones at Ctrl-C.
 *
 * Usage: pathopens.d [COUNT [PID]]
 *   COUNT  how many files to show; 20 if not given
 *   PID    this process and its children only; 0: all
 *
 * Sample:
 *      OPENS PATH
 *          7 /usr/lib/locale/C.utf8/LC_TELEPHONE
 *          7 /usr/lib/locale/C.utf8/LC_TIME
 *          7 /usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache
 *          8 /etc/ld.so.cache
 *          8 /usr/lib/x86_64-linux-gnu/libc.so.6
 *
 * Notes: Linux 6.1 and later. The path is walked in the kernel's directory cache
 * at each open, which is the cost: about a microsecond.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

syscall::open:return,
syscall::creat:return,
syscall::openat:return,
syscall::openat2:return
/errno == 0 && ($2 == 0 || progenyof($2))/
{
	@[fds[arg0].fi_pathname] = count();
}

END
{
	trunc(@, $1 ? $1 : 20);
	printf("%8s %s\n", "OPENS", "PATH");
	printa("%@8d %s\n", @);
}
