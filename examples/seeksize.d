#!/usr/bin/env -S dscript -s
/*
 * seeksize.d - how far must a disk jump for the I/Os of each process?
 *
 * A distribution for each process: the distance, in blocks of 512 bytes, between the
 * end of the I/O before on that disk and the begin of this one. 0 is sequential work.
 *
 * Usage: seeksize.d [PID]
 *   PID   this process and its children only; 0: all
 *
 * Sample:
 *       PID  COMMAND
 *     12335  python3
 *              value  ------------- Distribution ------------- count
 *                 -1 |                                         0
 *                  0 |@@@@@@@@@@@@@@@@@@@@@                    12
 *                  1 |                                         0
 *                  2 |                                         0
 *                  4 |                                         0
 *                  8 |                                         0
 *                 16 |                                         0
 *                 32 |                                         0
 *                 64 |                                         0
 *                128 |@@                                       1
 *                256 |                                         0
 *                512 |                                         0
 *               1024 |@@                                       1
 *               2048 |                                         0
 *               4096 |                                         0
 *               8192 |                                         0
 *              16384 |@@                                       1
 *              32768 |                                         0
 *              65536 |                                         0
 *             131072 |                                         0
 *             262144 |                                         0
 *             524288 |                                         0
 *            1048576 |                                         0
 *            2097152 |                                         0
 *            4194304 |                                         0
 *            8388608 |@@@@@@@@@                                5
 *           16777216 |                                         0
 *           33554432 |@@                                       1
 *           67108864 |                                         0
 *          134217728 |                                         0
 *          268435456 |@@@                                      2
 *          536870912 |                                         0
 *
 * Notes: Linux 6.1 and later. Jumps that another process's I/O caused are counted for
 * the process that has to come back. The first I/O of each disk has none before.
 */

#pragma D option quiet
#pragma D option defaultargs

int64_t last[dev_t];	/* block after the last I/O of a disk */

io:::start
/last[args[0]->b_edev] && ($1 == 0 || progenyof($1))/
{
	this->jump = (int64_t)args[0]->b_blkno - last[args[0]->b_edev];
	@[pid, execname] = quantize(this->jump < 0 ? -this->jump : this->jump);
}

io:::start
/args[0]->b_bcount/
{
	last[args[0]->b_edev] = (int64_t)args[0]->b_blkno + args[0]->b_bcount / 512;
}

END
{
	printf("%7s  %s\n", "PID", "COMMAND");
	printa("%7d  %s%@d\n", @);
}
