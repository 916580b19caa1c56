#!/usr/bin/env -S dscript -s
/*
 * workqueues.d - what do the kernel's worker threads do, and does it have to wait?
 *
 * Work that the kernel leaves to its workers (kworker) is a function in a queue.  Prints for each
 * function how often it ran, how long on average it waited in the queue and then took, and
 * the sum.
 *
 * Usage: workqueues.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     FUNCTION                                        COUNT   WAIT(us)    AVG(us)      SUM(us)
 *     vmlinux`ext4_end_io_rsv_work                        3         14         28           86
 *     vmlinux`blk_mq_run_work_fn                          3         12         35          107
 *     vmlinux`bpf_prog_free_deferred                     11         54         95         1047
 *     vmlinux`bpf_map_free_deferred                      26         73       2323        60416
 *
 * Notes: Work that was queued before tracing has no wait; delayed work waits from when its delay
 *     is over.
 */

#pragma D option quiet
#pragma D option defaultargs

uint64_t queued[struct work_struct *];	/* since when, by work */

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:workqueue::workqueue_queue_work
{
	queued[args[2]] = timestamp;
}

sdt:workqueue::workqueue_execute_start
{
	self->function = (uint64_t)args[0]->func;
	self->began = timestamp;
}

sdt:workqueue::workqueue_execute_start
/queued[args[0]]/
{
	@wait[func(self->function)] = avg((timestamp - queued[args[0]]) / 1000);
	queued[args[0]] = 0;
}

/* The work itself may be gone by now. */
sdt:workqueue::workqueue_execute_end
/self->began/
{
	this->time = (timestamp - self->began) / 1000;
	@number[func(self->function)] = count();
	@average[func(self->function)] = avg(this->time);
	@total[func(self->function)] = sum(this->time);
	self->began = 0;
	self->function = 0;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%-44s %8s %10s %10s %12s\n", "FUNCTION", "COUNT", "WAIT(us)", "AVG(us)",
	    "SUM(us)");
	setopt("aggsortpos", "3");
	printa("%-44a %@8d %@10d %@10d %@12d\n", @number, @wait, @average, @total);
}
