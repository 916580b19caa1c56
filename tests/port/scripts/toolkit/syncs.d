#!/usr/sbin/dtrace -s
fbt::fop_fsync:entry { self->from = timestamp; self->path = args[0]->v_path; }
fbt::fop_fsync:return
/self->from/
{
	@[execname] = quantize(timestamp - self->from);
	self->from = 0;
}
