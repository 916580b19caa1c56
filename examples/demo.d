/* The ten commonest pairs of command and system call while the -c command runs. */

#pragma D option quiet

syscall:::entry
{
	@[execname, probefunc] = count();
}

END
{
	trunc(@, 10);
	printf("%-20s %-24s %10s\n", "COMMAND", "SYSTEM CALL", "CALLS");
	printa("%-20s %-24s %@10d\n", @);
}
