#!/usr/sbin/dtrace -qs
syscall::mmap:entry
/(int)arg4 >= 0/
{
	self->entry = &(curthread->t_procp->p_user.u_finfo.fi_list[arg4]);
	this->vp = self->entry->uf_file->f_vnode;
	@[execname, this->vp->v_path == 0 ? "?" : stringof(this->vp->v_path)] = count();
}
