#!/usr/sbin/dtrace -s
fbt::fop_open:entry { self->vpp = args[0]; self->start = timestamp; }
fbt::fop_open:return
/self->vpp != NULL/
{
	@[stringof((*self->vpp)->v_path)] = quantize(timestamp - self->start);
	self->vpp = 0;
}
