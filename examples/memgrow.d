#!/usr/bin/env -S dscript -s
/*
 * memgrow.d - which processes ask the kernel for memory?
 *
 * Bytes by which each process's heap (brk) grew or shrank, and bytes of memory that it
 * mapped without a file (mmap), until Ctrl-C; those that mapped most come last.
 *
 * Usage: memgrow.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                  MAPPED(B)        HEAP(B)    CALLS
 *     29734 sh                        73552         135168        6
 *     29749 mktemp                    73552         135168        6
 *     29750 dd                        73552         135168        6
 *     29752 wc                        73552         135168        6
 *     29753 dd                        73552         135168        6
 *
 * Notes: Linux 6.1 and later. This is address space, not memory in use: pages come when
 * they are touched (minfbyproc.d). mallocbystack.d shows the code that asks.
 */

#pragma D option quiet
#pragma D option defaultargs

syscall::mmap:entry
/(arg3 & MAP_ANONYMOUS) && ($1 == 0 || progenyof($1))/
{
	self->length = arg1;
}

syscall::mmap:return
/self->length && errno == 0/
{
	@mapped[pid, execname] = sum(self->length);
	@calls[pid, execname] = count();
}

syscall::mmap:return
{
	self->length = 0;
}

syscall::brk:entry
/$1 == 0 || progenyof($1)/
{
	self->old = curthread->mm->brk;
	self->inside = 1;
}

syscall::brk:return
/self->inside/
{
	@heap[pid, execname] = sum((int64_t)(curthread->mm->brk - self->old));
	@calls[pid, execname] = count();
	self->inside = 0;
}

END
{
	printf("%7s %-16s %14s %14s %8s\n", "PID", "COMM", "MAPPED(B)", "HEAP(B)", "CALLS");
	printa("%7d %-16s %@14d %@14d %@8d\n", @mapped, @heap, @calls);
}
