"""The ip provider: IP packets sent and received (manual, chapter "ip Provider")."""

from __future__ import annotations

from dscript.providers import packets
from dscript.providers.base import Derived
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 17_400


def _arguments(header: str, ip: tuple[str, str], owner: str) -> tuple[tuple[str, str], ...]:
    """`@device` stands for the struct net_device."""

    def of_version(number: int, kind: str) -> str:
        return f"__ip_version[{header}] == {number} ? ({kind} *){header} : ({kind} *)0"

    return (
        packets.PACKET,
        ("csinfo_t *", f"xlate <csinfo_t *> ({owner})"),
        ip,
        ("ifinfo_t *", "xlate <ifinfo_t *> (@device)"),
        ("ipv4info_t *", f"xlate <ipv4info_t *> ({of_version(4, 'struct iphdr')})"),
        ("ipv6info_t *", f"xlate <ipv6info_t *> ({of_version(6, 'struct ipv6hdr')})"),
    )


# No connection has been looked up where IP receives.
_RECEIVED = tuple(
    (type_, text.replace("@device", "skb->dev"))
    for type_, text in _arguments(packets.FRAME, packets.FRAME_HEADER, "(struct sock *)0")
)
# PACKET_OTHERHOST (include/uapi/linux/if_packet.h): only a device in promiscuous mode has it.
_FOR_US = "skb->pkt_type != 3"
_WHEN = "not for another host"

_ROWS = (
    *packets.sent(
        "send",
        "",
        _arguments(packets.NOTED, packets.HEADER, "skb->sk"),
        local=False,
        exactness="forwarded packets too, after netfilter's output; a packet that the device or "
        "IP cuts up counts once",
    ),
    Row(
        "receive",
        "ip_rcv_core",
        Derived(("skb",), _FOR_US, _RECEIVED),
        when=_WHEN,
        exactness="before the header is verified; packets that were merged (GRO) count once",
        fallback="`netif_receive_skb`: not what a VLAN without support of the device brings, "
        "twice what a bridge passes up",
        kind="entry",
        otherwise=Row(
            "receive",
            "netif_receive_skb",
            Derived(("skb",), f"{packets.IS_IP} && {_FOR_US}", _RECEIVED),
            when=_WHEN,
        ),
    ),
    Row("receive", "ip6_rcv_core", Derived(("skb",), _FOR_US, _RECEIVED), when=_WHEN, kind="entry"),
)

_DROPPED = "nearest: sdt:skb::kfree_skb"
_ABSENT = {"drop-in": _DROPPED, "drop-out": _DROPPED}

PROVIDER = DerivedProvider("ip", _FIRST_ID, _ROWS, _ABSENT)
