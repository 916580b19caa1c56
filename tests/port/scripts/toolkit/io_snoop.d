#!/usr/sbin/dtrace -s
#pragma D option quiet
io:::start { began[args[0]->b_edev, args[0]->b_blkno] = timestamp; }
io:::done
/began[args[0]->b_edev, args[0]->b_blkno]/
{
	this->us = (timestamp - began[args[0]->b_edev, args[0]->b_blkno]) / 1000;
	printf("%8d %s %8d %s\n", this->us, args[0]->b_flags & B_READ ? "R" : "W",
	    args[0]->b_bcount, args[2]->fi_pathname);
	began[args[0]->b_edev, args[0]->b_blkno] = 0;
}
