#!/usr/bin/env -S dscript -s
/*
 * bitesize.d - how large are the disk I/Os of each process?
 *
 * A distribution of I/O sizes in bytes for each process that issued some, at Ctrl-C.
 *
 * Usage: bitesize.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID  COMMAND
 *     29582  python3
 *              value  ------------- Distribution ------------- count
 *               2048 |                                         0
 *               4096 |@@@                                      2
 *               8192 |@@@@@@@@@@@@@@@@@                        10
 *              16384 |                                         0
 *              32768 |                                         0
 *              65536 |@@@@@@@@@@@@@@@@@                        10
 *             131072 |                                         0
 *             262144 |                                         0
 *             524288 |@@                                       1
 *            1048576 |@@                                       1
 *            2097152 |                                         0
 *
 * Notes: Linux 6.1 and later. Sizes are those of the requests the disk gets, after
 * the kernel has merged neighbours.
 */

#pragma D option quiet
#pragma D option defaultargs

io:::start
/$1 == 0 || progenyof($1)/
{
	@[pid, execname] = quantize(args[0]->b_bcount);
}

END
{
	printf("%7s  %s\n", "PID", "COMMAND");
	printa("%7d  %s%@d\n", @);
}
