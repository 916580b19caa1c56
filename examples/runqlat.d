#!/usr/bin/env -S dscript -s
/*
 * runqlat.d - how long do threads wait for a CPU once they could run?
 *
 * Measures from the moment a thread is put on a run queue (woken, made, or preempted) until it
 * gets a CPU.  Prints the distribution of all waits, and the sums by command.
 *
 * Usage: runqlat.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     Waits for a CPU, microseconds:
 *                value  ------------- Distribution ------------- count
 *                    4 |@@@@                                     144
 *                    8 |@@@@@@@@@@@@                             404
 *                   16 |@@@                                      98
 *                   32 |@@                                       56
 *                   64 |@                                        24
 *                  128 |                                         17
 *                  256 |@                                        19
 *                  512 |@                                        20
 *                 1024 |@@                                       52
 *                 2048 |@@@@@                                    185
 *                 4096 |@@@@                                     124
 *                 8192 |@@@@                                     123
 *                16384 |@                                        26
 *                32768 |                                         3
 *     COMMAND               WAITS    MAX(us)      SUM(us)
 *     dscript                 461      32766      1501271
 *     python3                 270      40070      1849414
 *
 * Notes: Times are in microseconds.  Waits of more than some milliseconds mean that the CPUs
 *     have more to do than they can; runqlen.d and runocc.d show the same from the queues' side.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sched:::enqueue
{
	queued[args[0]->pr_addr] = timestamp;
}

sched:::on-cpu
/queued[curlwpsinfo->pr_addr]/
{
	this->wait = (timestamp - queued[curlwpsinfo->pr_addr]) / 1000;
	queued[curlwpsinfo->pr_addr] = 0;
	@waits = quantize(this->wait);
	@number[curpsinfo->pr_fname] = count();
	@longest[curpsinfo->pr_fname] = max(this->wait);
	@total[curpsinfo->pr_fname] = sum(this->wait);
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\nWaits for a CPU, microseconds:\n");
	printa(@waits);
	setopt("aggsortpos", "2");
	printf("%-16s %10s %10s %12s\n", "COMMAND", "WAITS", "MAX(us)", "SUM(us)");
	printa("%-16s %@10d %@10d %@12d\n", @number, @longest, @total);
}
