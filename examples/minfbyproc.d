#!/usr/bin/env -S dscript -s
/*
 * minfbyproc.d - which processes touch new memory?
 *
 * Counts minor page faults by process: pages that the kernel had at hand, or made, when
 * they were touched for the first time. Memory that grows shows here first.
 *
 * Usage: minfbyproc.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID COMM                   MINFLT
 *     29612 sh                         20
 *     29614 sh                         20
 *     29615 sh                         21
 *     29612 mktemp                     77
 *     29616 dd                         80
 *
 * Notes: Linux 6.1 and later. The kernel's own counter, as "min_flt" of ps(1) has it.
 * Times 4096 bytes it is the memory touched, huge pages apart.
 */

#pragma D option quiet
#pragma D option defaultargs

cpc:::minor-faults-all-1
/$1 == 0 || progenyof($1)/
{
	@[pid, execname] = count();
}

END
{
	printf("%7s %-16s %12s\n", "PID", "COMM", "MINFLT");
	printa("%7d %-16s %@12d\n", @);
}
