#!/usr/sbin/dtrace -qs
/* Programs as they start, with their arguments. */
syscall::exec:return, syscall::exece:return
/errno == 0/
{
	printf("%5d %5d %3d %s\n", pid, ppid, uid, curpsinfo->pr_psargs);
}
