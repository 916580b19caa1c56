#!/usr/sbin/dtrace -s
#pragma D option quiet
struct kind { string name; };
translator struct kind < int T > { name = T == 1 ? "file" : T == 2 ? "folder" : "other"; };
fbt::fop_read:entry
{
	self->kind = xlate <struct kind *> ((int)((vnode_t *)arg0)->v_type)->name;
	@[execname, self->kind] = count();
}
