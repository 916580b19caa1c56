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
 * @SAMPLE@
 *
 * Notes: Linux 6.1 and later. Costs nothing until memory ends. The kernel's tracepoint
 * passes the victim's number before Linux 6.9 and the victim itself since; its name is
 * known since then.
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
