#!/usr/sbin/dtrace -s
/* The module is Solaris's. */
#pragma D option quiet
self int last[dev_t];
io:genunix::start
/self->last[args[0]->b_edev] != 0/
{
	this->far = (int)(args[0]->b_blkno - self->last[args[0]->b_edev]);
	@seek[execname] = quantize(this->far > 0 ? this->far : -this->far);
}
io:genunix::start
{
	self->last[args[0]->b_edev] = args[0]->b_blkno + args[0]->b_bcount / 512;
}
