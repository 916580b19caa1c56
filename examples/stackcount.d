#!/usr/bin/env -S dscript -s
/*
 * stackcount.d - who calls this kernel function, and on what path?
 *
 * Counts the stacks that lead to a kernel function or to a tracepoint, the commonest last.
 *
 * Usage: stackcount.d NAME [seconds]
 *     NAME      a kernel function, as vfs_read, or a tracepoint, as kmalloc or sched_switch
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     vmlinux`ext4_htree_fill_tree+0xb4
 *     vmlinux`ext4_readdir+0x7a1
 *     vmlinux`iterate_dir+0xba
 *     vmlinux`__x64_sys_getdents64+0x76
 *     vmlinux`do_syscall_64+0x71
 *     vmlinux`entry_SYSCALL_64_after_hwframe+0x76
 *                    15473
 *
 *     in all 19813
 *
 * Notes: Functions need a kernel with kprobes or fentry, tracepoints do not.  Each stack taken
 *     costs a microsecond or two.
 */

#pragma D option quiet
#pragma D option defaultargs
#pragma D option zdefs

fbt::$1:entry,
rawtp:::$1
{
	@stacks[stack()] = count();
	@all = count();
}

profile:::tick-1s
/$2 && ++elapsed == $2/
{
	exit(0);
}

dtrace:::END
{
	printa("%k%@20d\n", @stacks);
	printa("\nin all %@d\n", @all);
}
