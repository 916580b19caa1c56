#!/usr/sbin/dtrace -Cs
#include <sys/mman.h>
syscall::mmap:entry /arg3 & MAP_SHARED/ { @[execname] = count(); }
