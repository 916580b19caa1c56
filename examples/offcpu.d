#!/usr/bin/env -S dscript -s
/*
 * offcpu.d - what does a process wait for, and for how long?
 *
 * Adds up the time that the threads of one process are off the CPU, by the way they came there:
 * the kernel's stack (disk, network, locks, sleeping, or just preempted) and their own.  The
 * longest waits are printed last, in microseconds.
 *
 * Usage: offcpu.d -p PID | -c COMMAND [seconds]
 *     seconds   how long to look; until the process ends if not given
 *
 * Sample:
 *     vmlinux`schedule+0x23
 *     vmlinux`futex_do_wait+0x46
 *     vmlinux`__futex_wait+0x8a
 *     vmlinux`futex_wait+0x67
 *     vmlinux`do_futex+0xfd
 *     vmlinux`__x64_sys_futex+0x112
 *     vmlinux`do_syscall_64+0x71
 *     vmlinux`entry_SYSCALL_64_after_hwframe+0x76
 *
 *     libc.so.6`__futex_abstimed_wait_common+0xc6
 *                   201913 us
 *
 * Notes: The kernel's stack needs a thread to run again, so a wait that lasts to the end is not
 *     there.
 */

#pragma D option quiet
#pragma D option defaultargs

sched:::off-cpu
/pid == $target/
{
	self->since = timestamp;
}

sched:::on-cpu
/self->since/
{
	@waited[stack(), ustack(8)] = sum((timestamp - self->since) / 1000);
	self->since = 0;
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("Microseconds off CPU, by kernel and user stack:\n");
	printa("%k%k%@20d us\n", @waited);
}
