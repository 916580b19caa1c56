#!/usr/sbin/dtrace -Cs
#include <sys/no_such_kernel_header.h>
fbt::fop_rename:entry { trace(stringof(((vnode_t *)arg0)->v_path)); }
