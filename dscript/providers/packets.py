"""What the ip, tcp and udp providers share: where packets pass, and their D.

Packets on their way out are seen where IP hands them to the device's side with both headers in
place (ip_output, ip_mc_output, ip6_output); without kernel functions, at net_dev_queue.  On
their way in they are seen where the protocol takes them; without kernel functions, at
netif_receive_skb, before anything is known but the packet.
"""

from __future__ import annotations

from dscript.providers.base import Derived
from dscript.providers.derived import Row

PACKET = ("pktinfo_t *", "xlate <pktinfo_t *> (skb)")
NO_PACKET = ("pktinfo_t *", "xlate <pktinfo_t *> ((struct sk_buff *)0)")
OWNER = ("csinfo_t *", "xlate <csinfo_t *> (skb->sk)")
SOCKET = ("csinfo_t *", "xlate <csinfo_t *> ((struct sock *)sk)")
UNKNOWN_SOCKET = ("csinfo_t *", "xlate <csinfo_t *> ((struct __frame *)skb)")
HEADER = ("ipinfo_t *", "xlate <ipinfo_t *> (skb)")
FRAME_HEADER = ("ipinfo_t *", "xlate <ipinfo_t *> ((struct __frame *)skb)")

# D for where the packet's IP header is.
NOTED = "__ip_header[skb]"
FRAME = "__frame_header[(struct __frame *)skb]"

# ETH_P_IP, ETH_P_IPV6 (include/uapi/linux/if_ether.h)
IPV4 = "skb->protocol == htons(0x0800)"
IPV6 = "skb->protocol == htons(0x86dd)"
IS_IP = f"({IPV4} || {IPV6})"

STACKED = "once for each device of a stack (VLAN, bridge, bond) that it leaves through"

# In this order; TCP is never sent to a group, which is what ip_mc_output() is for.
_UNICAST, _MULTICAST = ("ip_output", "ip6_output"), ("ip_output", "ip_mc_output", "ip6_output")


def is_protocol(number: int, header: str) -> str:
    return f"__ip_protocol[{header}] == {number} && __ip_first[{header}]"


def sent(
    name: str,
    condition: str,
    arguments: tuple[tuple[str, str], ...],
    *,
    local: bool = True,
    multicast: bool = True,
    when: str = "",
    exactness: str = "exact",
) -> tuple[Row, ...]:
    """Rows for packets on their way out that `condition` holds for.

    `local`: only those made here; `multicast`: they may be for a group of hosts.
    `arguments` are D over `skb`, and `@device` there is the struct net_device.
    """
    # A packet that is forwarded has no socket; one that was received notes the device.
    test = " && ".join(filter(None, ("skb->skb_iif == 0" if local else "", IS_IP, condition)))
    other = Row(
        name,
        "net_dev_queue",
        Derived(("skb",), test, _with_device(arguments, "skb->dev")),
        when=when,
    )
    test = " && ".join(filter(None, ("sk != (struct sock *)0" if local else "", condition)))
    # The route's device: skb->dev is set behind this point.  The lowest bit is a flag.
    device = "((struct dst_entry *)(skb->_skb_refdst & ~1UL))->dev"
    derived = Derived(("net", "sk", "skb"), test, _with_device(arguments, device))
    functions = _MULTICAST if multicast else _UNICAST
    return tuple(
        Row(
            name,
            function,
            derived,
            when=when,
            exactness=exactness,
            fallback=f"`net_dev_queue`: {STACKED}",
            kind="entry",
            otherwise=other if function == functions[0] else None,
        )
        for function in functions
    )


def _with_device(
    arguments: tuple[tuple[str, str], ...], device: str
) -> tuple[tuple[str, str], ...]:
    return tuple((type_, text.replace("@device", device)) for type_, text in arguments)
