#!/usr/bin/env -S dscript -s
/*
 * intbycpu.d - which CPUs handle the interrupts of which devices?
 *
 * Counts device interrupts by CPU and device: all of one device on one CPU is normal, all of all
 * devices on one CPU may be too much for it.
 *
 * Usage: intbycpu.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     CPU DEVICE                            COUNT
 *       1 virtio0-stats                         1
 *       1 virtio3-tx                            1
 *       1 virtio1-req.0                        10
 *
 * Notes: Devices only: the CPU's own timer and calls from other CPUs are in `sdt:irq_vectors::`
 *     (x86) and xcalls.d.  How long they take: intoncpu.d.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:::interrupt-start
{
	@interrupts[cpu, stringof(args[0]->name)] = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%3s %-28s %10s\n", "CPU", "DEVICE", "COUNT");
	printa("%3d %-28s %@10d\n", @interrupts);
}
