#!/usr/sbin/dtrace -s
#pragma D option quiet
this char *head;
fbt::gexec:entry { self->path = (*(struct vnode **)arg0)->v_path; self->ok = 1; }
fbt::findexec_by_hdr:entry
/self->ok/
{
	bcopy(args[0], this->head = alloca(5), 4);
	this->head[4] = '\0';
	printf("%-16s %S\n", execname, stringof(this->head));
}
