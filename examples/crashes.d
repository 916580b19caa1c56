#!/usr/bin/env -S dscript -s
/*
 * crashes.d - which processes crash, and where in their code?
 *
 * One line for each fault that the kernel answers with a signal (SIGSEGV, SIGBUS, SIGFPE,
 * SIGILL, SIGTRAP), with the address and the user stack at that moment: also for those that handle
 * the signal, and where no core file is written.
 *
 * Usage: crashes.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   TIME                     UID     PID COMM            SIGNAL            ADDRESS
 *   2026 Nov 21 09:31:12       0   12235 crash               11                  0
 *                 crash`depth+0xc
 *                 crash`outer+0x18
 *                 crash`main+0x1c
 *                 libc.so.6`__libc_start_call_main+0x7a
 *
 * Notes: Linux 6.1 and later. Costs nothing until a process faults. abort(3) is a
 * process's own signal: kill.d shows it.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %7s %7s %-15s %6s %18s\n", "TIME", "UID", "PID", "COMM", "SIGNAL", "ADDRESS");
}

proc:::fault
/$1 == 0 || progenyof($1)/
{
	printf("%Y %7d %7d %-15s %6d %#18x", walltimestamp, uid, pid, execname,
	    args[1]->si_signo, (uintptr_t)args[1]->_sifields._sigfault._addr);
	ustack(10);
}
