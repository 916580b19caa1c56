#!/usr/bin/env -S dscript -s
/*
 * execsnoop.d - which commands are being run, by whom?
 *
 * One line for each program that is started by exec, with its arguments; failed ones,
 * such as a shell's search along $PATH, are left out (whatexec.d shows scripts and
 * interpreters, exitsnoop.d how they end).
 *
 * Usage: execsnoop.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     UID     PID    PPID ARGS
 *   2026 Nov 21 09:20:43       0   29772   29770 chmod +x s
 *   2026 Nov 21 09:20:43       0   29773   29770 /bin/sh ./s
 *   2026 Nov 21 09:20:43       0   29774   29770 ls
 *   2026 Nov 21 09:20:43       0   29776   29770 sh -c kill -USR1 $$
 *   2026 Nov 21 09:20:43       0   29779   29770 /tmp/crash
 *
 * Notes: Linux 6.1 and later. The first 80 characters of the arguments are shown,
 * control characters as in C.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %7s %7s %7s %s\n", "TIME", "UID", "PID", "PPID", "ARGS");
}

proc:::exec-success
/$1 == 0 || progenyof($1)/
{
	printf("%Y %7d %7d %7d %S\n", walltimestamp, uid, pid, ppid, curpsinfo->pr_psargs);
}
