#!/usr/sbin/dtrace -s
#pragma D option quiet
fbt::fop_read:entry { self->vp = args[0]; self->t = timestamp; }
fbt::fop_read:return
/self->t && self->vp->v_path/
{
	@[execname, stringof(self->vp->v_path)] = quantize(timestamp - self->t);
}
fbt::fop_read:return { self->vp = 0; self->t = 0; }
