#!/usr/sbin/dtrace -s
/* How many threads wait for each CPU, by a kernel structure of Solaris. */
#pragma D option quiet
profile:::profile-97hz
{
	this->waiting = curthread->t_cpu->cpu_disp->disp_nrunnable;
	@[cpu] = lquantize(this->waiting, 0, 64, 1);
}
