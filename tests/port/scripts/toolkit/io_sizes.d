#!/usr/sbin/dtrace -s
/* Sizes of disk I/O by program. */
#pragma D option quiet
io:::start
{
	@size[pid, curpsinfo->pr_psargs] = quantize(args[0]->b_bcount);
}
dtrace:::END { printa("%6d %s\n%@d\n", @size); }
