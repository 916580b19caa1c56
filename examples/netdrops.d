#!/usr/bin/env -S dscript -s
/*
 * netdrops.d - which packets does the kernel throw away, where, and why?
 *
 * Counts the packets that are freed because of an error, by the function that did it and the
 * kernel's reason: one of `enum skb_drop_reason`, by number.
 *
 * Usage: netdrops.d [seconds]
 *     seconds   how long to look; until Ctrl-C if not given
 *
 * Sample:
 *     FUNCTION                                     PROTOCOL   REASON  PACKETS
 *     vmlinux`tcp_v4_rcv                             0x0800        3        1
 *     vmlinux`__udp4_lib_rcv                         0x0800        3        1
 *
 * Notes: The numbers of the reasons differ between kernels: `SKB_DROP_REASON_*` in its
 *     include/net/dropreason-core.h, or in /sys/kernel/tracing/events/skb/kfree_skb/format.
 *     Needs Linux 5.17.
 */

#pragma D option quiet
#pragma D option defaultargs

dtrace:::BEGIN
{
	printf("Tracing... Ctrl-C ends.\n");
}

sdt:skb::kfree_skb
{
	@drops[func((uint64_t)args[1]), ntohs(args[0]->protocol), (int)args[2]] = count();
}

profile:::tick-1s
/$1 && ++elapsed == $1/
{
	exit(0);
}

dtrace:::END
{
	printf("\n%-44s %8s %8s %8s\n", "FUNCTION", "PROTOCOL", "REASON", "PACKETS");
	printa("%-44a   0x%04x %8d %@8d\n", @drops);
}
