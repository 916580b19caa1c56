#!/usr/bin/env -S dscript -s
/*
 * majorfaults.d - which processes wait for pages from disk or swap?
 *
 * One line for each process that had major page faults, with their number and the user
 * function that touched the missing memory most often.
 *
 * Usage: majorfaults.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *   0
 *       PID COMM                 MAJFLT FUNCTION
 *     12162 python3                  64 mmap.cpython-311-x86_64-linux-gnu.so`mmap_subscript
 *
 * Notes: Linux 6.1 and later. The kernel's own counter, as "maj_flt" of ps(1) has it.
 * Many of them all the time mean too little memory; some at a program's start are normal.
 */

#pragma D option quiet
#pragma D option defaultargs

vminfo:::maj_fault
/$1 == 0 || progenyof($1)/
{
	@[pid, execname, ufunc(uregs[R_PC])] = count();
}

END
{
	printf("%7s %-16s %10s %s\n", "PID", "COMM", "MAJFLT", "FUNCTION");
	printa("%7d %-16s %@10d %A\n", @);
}
