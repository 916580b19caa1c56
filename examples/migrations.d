#!/usr/bin/env -S dscript -s
/*
 * migrations.d - which processes are moved between CPUs, from where to where?
 *
 * Counts how often the scheduler moves a thread from one CPU to another.  A thread that moves
 * leaves its caches behind; many moves of one process are a reason to bind it (taskset).
 *
 * Usage: migrations.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *          PID COMMAND           FROM    TO    MOVES
 *        25783 python3              1     0        1
 *        25784 python3              0     1        1
 *        25785 python3              0     1        1
 *        25785 python3              1     0        1
 *
 * Notes: The tracepoint sched_migrate_task fires in the thread that moves another one, which is
 *     the one shown.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:sched::sched_migrate_task
{
	this->process = xlate <psinfo_t *> (args[0]);
	this->thread = xlate <lwpsinfo_t *> (args[0]);
	@moves[this->process->pr_pid, this->process->pr_fname, this->thread->pr_onpro,
	    args[1]] = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%8s %-16s %5s %5s %8s\n", "PID", "COMMAND", "FROM", "TO", "MOVES");
	printa("%8d %-16s %5d %5d %@8d\n", @moves);
}
