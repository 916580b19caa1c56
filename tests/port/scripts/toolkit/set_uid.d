#!/usr/sbin/dtrace -qs
syscall::setuid:return
/arg1 == 0/
{
	printf("%5d %s by %s\n", uid, execname, curthread->t_procp->p_parent->p_user.u_comm);
}
