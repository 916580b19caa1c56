#!/usr/bin/env -S dscript -s
/*
 * errinfo.d - which system calls fail, and why?
 *
 * Counts failed system calls by command, call and error until Ctrl-C. Some errors are
 * part of normal work (EAGAIN, a file that is looked for in many places); others are
 * why a program does not work.
 *
 * Usage: errinfo.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   COMM             CALL               ERRNO ERROR                               COUNT
 *   cat              access                 2 ENOENT no such file                     1
 *   sh               wait4                 10 ECHILD no child                         3
 *   cat              openat                 2 ENOENT no such file                    17
 *
 * Notes: Linux 6.1 and later. Numbers without a name here are in errno(3).
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	name[EPERM] = "EPERM not permitted";
	name[ENOENT] = "ENOENT no such file";
	name[ESRCH] = "ESRCH no such process";
	name[EINTR] = "EINTR interrupted";
	name[EIO] = "EIO I/O error";
	name[ENXIO] = "ENXIO no such device or address";
	name[EBADF] = "EBADF no such descriptor";
	name[ECHILD] = "ECHILD no child";
	name[EAGAIN] = "EAGAIN not now";
	name[ENOMEM] = "ENOMEM no memory";
	name[EACCES] = "EACCES permission denied";
	name[EFAULT] = "EFAULT bad address";
	name[EEXIST] = "EEXIST there already";
	name[ENOTDIR] = "ENOTDIR not a directory";
	name[EISDIR] = "EISDIR is a directory";
	name[EINVAL] = "EINVAL invalid argument";
	name[EMFILE] = "EMFILE too many open files";
	name[ENOTTY] = "ENOTTY not a terminal";
	name[ENOSPC] = "ENOSPC disk full";
	name[ESPIPE] = "ESPIPE cannot seek there";
	name[EROFS] = "EROFS read-only file system";
	name[EPIPE] = "EPIPE nobody reads";
	name[ENOSYS] = "ENOSYS no such call";
	name[ENODATA] = "ENODATA no such attribute";
	name[EOPNOTSUPP] = "EOPNOTSUPP not supported";
	name[ECONNREFUSED] = "ECONNREFUSED nobody listens";
	name[ECONNRESET] = "ECONNRESET connection reset";
	name[ETIMEDOUT] = "ETIMEDOUT timed out";
	name[EINPROGRESS] = "EINPROGRESS under way";
}

syscall:::return
/errno && ($1 == 0 || progenyof($1))/
{
	@[execname, probefunc, errno, name[errno]] = count();
}

END
{
	printf("%-16s %-18s %5s %-32s %8s\n", "COMM", "CALL", "ERRNO", "ERROR", "COUNT");
	printa("%-16s %-18s %5d %-32s %@8d\n", @);
}
