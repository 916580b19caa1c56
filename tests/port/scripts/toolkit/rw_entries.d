#!/usr/sbin/dtrace -s
/* What is read and written, by way of the table of open files of Solaris 10. */
#pragma D option quiet
syscall::read:entry, syscall::write:entry { self->fd = arg0; self->ok = 1; }
syscall::read:return, syscall::write:return
/self->ok/
{
	this->table = curthread->t_procp->p_user.u_finfo.fi_list;
	this->entry = (uf_entry_t *)((uint64_t)this->table +
	    (uint64_t)self->fd * (uint64_t)sizeof (uf_entry_t));
	this->file = this->entry->uf_file;
	this->vp = this->file != NULL ? this->file->f_vnode : 0;
	self->path = this->vp ? (this->vp->v_path ? cleanpath(this->vp->v_path) : "?") : "?";
	printf("%-16s %-6s %6d %s\n", execname, probefunc, (int)arg0, self->path);
	self->ok = 0;
}
