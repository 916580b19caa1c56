#!/usr/sbin/dtrace -Cs
#include <sys/no_such_kernel_header.h>
syscall::read:entry { @[execname] = count(); }
