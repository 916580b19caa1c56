#!/usr/sbin/dtrace -s
syscall::nanosleep:entry { @[curthread->td_proc->p_comm, curthread->td_priority] = count(); }
