#!/usr/bin/env -S dscript -s
/*
 * iosnoop.d - what do the disks do right now, for whom and for which file?
 *
 * One line for each disk I/O when it is done: the process that issued it, R or W, the
 * first block, the bytes, the milliseconds it took from the driver to the interrupt,
 * the disk, and the file where there is one.
 *
 * Usage: iosnoop.d [DISK]
 *   DISK   this disk only: vda, sda, nvme0n1
 *
 * Sample:
 *       PID COMM            DISK     D        BLOCK    BYTES        MS FILE
 *     29543 python3         vda      R     68905904     8192     0.070 <unknown>
 *     29543 python3         vda      R     68905920     8192     0.068 <unknown>
 *     29543 python3         vda      R     68905936     8192     0.043 <unknown>
 *     29543 python3         vda      R     68905952     8192     0.044 <unknown>
 *     29543 python3         vda      R     68905968     8192     0.044 <unknown>
 *     29543 python3         vda      R     88664864     8192     0.043 <unknown>
 *     29543 python3         vda      R     68905952     8192     0.046 <unknown>
 *
 * Notes: Linux 6.1 and later. Much is written and read ahead by threads of the kernel
 * (kworker, jbd2), later than the call that asked for it. Direct I/O and what the file
 * system keeps for itself have no file.
 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%7s %-15s %-8s %s %12s %8s %9s %s\n", "PID", "COMM", "DISK", "D", "BLOCK", "BYTES",
	    "MS", "FILE");
}

io:::start
/$$1 == "" || args[1]->dev_statname == $$1/
{
	start[arg0] = timestamp;
	issuer[arg0] = pid;
	command[arg0] = execname;
}

io:::done
/start[arg0]/
{
	this->us = (timestamp - start[arg0]) / 1000;
	printf("%7d %-15s %-8s %s %12d %8d %5d.%03d %s\n", issuer[arg0], command[arg0],
	    args[1]->dev_statname, args[0]->b_flags & B_READ ? "R" : "W", args[0]->b_blkno,
	    args[0]->b_bcount, this->us / 1000, this->us % 1000, args[2]->fi_pathname);
	start[arg0] = 0;
	issuer[arg0] = 0;
	command[arg0] = 0;
}
