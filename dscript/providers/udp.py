"""The udp provider: datagrams sent and received (manual, chapter "udp Provider")."""

from __future__ import annotations

from dscript.providers import packets
from dscript.providers.base import Derived
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 17_600
_IPPROTO_UDP = 17


def _session(tag: str) -> tuple[str, str]:
    return "udpsinfo_t *", f"xlate <udpsinfo_t *> ((struct {tag} *)skb)"


_DATAGRAM = ("udpinfo_t *", "xlate <udpinfo_t *> (__udp[skb])")
_SENT = (packets.PACKET, packets.OWNER, packets.HEADER, _session("__datagram_out"), _DATAGRAM)
_RECEIVED = (packets.PACKET, packets.SOCKET, packets.HEADER, _session("__datagram_in"), _DATAGRAM)
_FRAME = (
    packets.PACKET,
    packets.UNKNOWN_SOCKET,
    packets.FRAME_HEADER,
    _session("__frame"),
    ("udpinfo_t *", "xlate <udpinfo_t *> (__frame_udp[(struct __frame *)skb])"),
)

_ROWS = (
    *packets.sent(
        "send",
        # Tunnels put the packet of another protocol's socket into a datagram.
        f"{packets.is_protocol(_IPPROTO_UDP, packets.NOTED)} && skb->sk != (struct sock *)0 && "
        f"skb->sk->sk_protocol == {_IPPROTO_UDP}",
        _SENT,
        when="a socket's UDP",
        exactness="a datagram that is cut up behind it (UDP_SEGMENT) counts once",
    ),
    Row(
        "receive",
        "__udp_enqueue_schedule_skb",
        Derived(("sk", "skb"), "", _RECEIVED),
        exactness="for each socket that a datagram is for, also one whose buffer is full",
        fallback="`netif_receive_skb`, the first fragment: datagrams that no socket is for "
        "too, and no connection is known (`cs_addr`, `cs_cid`)",
        kind="entry",
        otherwise=Row(
            "receive",
            "netif_receive_skb",
            Derived(
                ("skb",),
                f"{packets.IS_IP} && skb->pkt_type != 3 && "
                f"{packets.is_protocol(_IPPROTO_UDP, packets.FRAME)}",
                _FRAME,
            ),
            when="UDP",
        ),
    ),
)

PROVIDER = DerivedProvider("udp", _FIRST_ID, _ROWS, {})
