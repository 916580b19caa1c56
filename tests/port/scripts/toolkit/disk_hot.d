#!/usr/sbin/dtrace -s
#pragma D option quiet
inline int MB = 2048;
io:::start
{
	@[args[1]->dev_major, args[1]->dev_minor] = lquantize(args[0]->b_blkno / MB, 0, 100000, 100);
}
END { printa("major %d minor %d\n%@d\n", @); }
