#!/usr/bin/env -S dscript -s
/*
 * rwlockwaits.d - who waits for the kernel's readers/writer semaphores, to read or to write?
 *
 * The lock of a process's address space (page faults read, mmap() writes) and those of directories
 * are of this kind.  Prints the waits by process, what it wanted and who was in the way, and
 * the stacks.
 *
 * Usage: rwlockwaits.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND          WANTED HELD        WAITS    AVG(us)      SUM(us)
 *        28300 python3          write  readers        40        907        36308
 *
 * Notes: Only waits are seen, free locks cost nothing.  Times are microseconds.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

lockstat:::rw-block
{
	this->wanted = arg2 == RW_WRITER ? "write" : "read";
	this->holder = arg3 ? "writer" : "readers";
	@waits[pid, execname, this->wanted, this->holder] = count();
	@average[pid, execname, this->wanted, this->holder] = avg(arg1 / 1000);
	@total[pid, execname, this->wanted, this->holder] = sum(arg1 / 1000);
	@stacks[this->wanted, stack(8)] = sum(arg1 / 1000);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	trunc(@stacks, 5);
	printa("\nto %s%k%@20d us\n", @stacks);
	printf("\n%8s %-16s %-6s %-8s %8s %10s %12s\n", "PID", "COMMAND", "WANTED", "HELD",
	    "WAITS", "AVG(us)", "SUM(us)");
	setopt("aggsortpos", "2");
	printa("%8d %-16s %-6s %-8s %@8d %@10d %@12d\n", @waits, @average, @total);
}
