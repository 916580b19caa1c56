#!/usr/sbin/dtrace -s
/* Paths of what is read, the way it is done on Solaris 10. */
#pragma D option quiet
syscall::read:entry
{
	this->list = curthread->t_procp->p_user.u_finfo.fi_list;
	self->path = stringof(curthread->t_procp->p_user.u_finfo.fi_list[arg0].uf_file->f_vnode->v_path);
	@[execname, self->path] = sum(arg2);
}
