#!/usr/bin/env -S dscript -s
/*
 * oomkill.d - whom does the kernel kill for lack of memory, and who asked for more?
 *
 * One line for each victim of the out-of-memory killer: the process that needed memory
 * and its control group, then the victim.
 *
 * Usage: oomkill.d
 *
 * Sample:
 *   TIME                     PID COMM             VICTIM NAME            CGROUP
 *   2026 Nov 21 09:53:59     145 eater               145 eater           /recipe
 *
 * Notes: Linux 6.1 and later. Costs nothing until memory ends. The tracepoint of
 * kernels before 6.9 that were not updated passes the victim's number alone: its name
 * shows as a question mark there.
 */

#pragma D option quiet

BEGIN
{
	printf("%-20s %7s %-15s %7s %-15s %s\n", "TIME", "PID", "COMM", "VICTIM", "NAME", "CGROUP");
}

sdt:oom::mark_victim
/arg0 < 0/	/* an address of the kernel, as a number with a sign */
{
	this->victim = (struct task_struct *)arg0;
	printf("%Y %7d %-15s %7d %-15s %s\n", walltimestamp, pid, execname, this->victim->tgid,
	    stringof(this->victim->comm), cgroup_path);
}

sdt:oom::mark_victim
/arg0 >= 0/
{
	printf("%Y %7d %-15s %7d %-15s %s\n", walltimestamp, pid, execname, arg0, "?", cgroup_path);
}
