"""The tcp provider: segments and connections (manual, chapter "tcp Provider").

Probes of a segment that is sent fire where IP has it complete; those of a received one where
its connection has taken it.  inet_sock_set_state fires before the new state is noted in the
socket: its D names the state by the type `struct __changing` (stdlib/tcpinfo.d).
"""

from __future__ import annotations

from dscript.providers import packets
from dscript.providers.base import Derived
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 17_500
_IPPROTO_TCP = 6
# include/net/tcp_states.h
_ESTABLISHED, _SYN_SENT, _SYN_RECV = 1, 2, 3

_SEGMENT = ("tcpinfo_t *", "xlate <tcpinfo_t *> ((struct tcphdr *)__tcp_header[skb])")


def _session(operand: str) -> tuple[str, str]:
    return "tcpsinfo_t *", f"xlate <tcpsinfo_t *> ({operand})"


_SENT = (
    packets.PACKET,
    packets.OWNER,
    packets.HEADER,
    _session("(struct __sent *)skb"),
    _SEGMENT,
)
_FRAME = (
    packets.PACKET,
    packets.UNKNOWN_SOCKET,
    packets.FRAME_HEADER,
    _session("(struct __frame *)skb"),
    (
        "tcpinfo_t *",
        "xlate <tcpinfo_t *> ((struct tcphdr *)__frame_transport[(struct __frame *)skb])",
    ),
)


def _taken(sock: str, session: str = "") -> tuple[tuple[str, str], ...]:
    """Arguments of a segment that came: `sock` is D for its connection."""
    return (
        packets.PACKET,
        ("csinfo_t *", f"xlate <csinfo_t *> ((struct sock *){sock})"),
        packets.HEADER,
        _session(session or f"(struct sock *){sock}"),
        _SEGMENT,
    )


def _unseen(session: str) -> tuple[tuple[str, str], ...]:
    """Arguments where the segment that came is not at hand."""
    return (
        packets.NO_PACKET,
        packets.SOCKET,
        ("ipinfo_t *", "xlate <ipinfo_t *> ((struct __segment *)sk)"),
        _session(session),
        ("tcpinfo_t *", "xlate <tcpinfo_t *> ((struct __segment *)sk)"),
    )


def _becomes(state: int | str) -> str:
    return f"(struct __changing *)((uintptr_t)sk | {state})"


_IS_TCP = packets.is_protocol(_IPPROTO_TCP, packets.NOTED)
_FLAGS = "__tcp_flags[__tcp_header[skb]]"
_SEQUENCE = "((struct tcphdr *)__tcp_header[skb])->seq"
_CHANGE = ("sk", "oldstate", "newstate")
_NO_SEGMENT = "the segment's own fields but addresses and ports are not known"


def _received(
    function: str, names: tuple[str, ...], condition: str, sock: str, session: str = ""
) -> Row:
    derived = Derived(names, condition, _taken(sock, session))
    return Row("receive", function, derived, kind="entry")


def _established(name: str, function: str, derived: Derived, before: int, when: str) -> Row:
    return Row(
        name,
        function,
        derived,
        when=when,
        fallback=f"`inet_sock_set_state`: {_NO_SEGMENT}",
        kind="entry",
        otherwise=Row(
            name,
            "inet_sock_set_state",
            Derived(
                _CHANGE,
                f"sk->sk_protocol == {_IPPROTO_TCP} && oldstate == {before} && "
                f"newstate == {_ESTABLISHED}",
                _unseen(_becomes(_ESTABLISHED)),
            ),
        ),
    )


_ROWS = (
    Row(
        "state-change",
        "inet_sock_set_state",
        Derived(
            _CHANGE,
            f"sk->sk_protocol == {_IPPROTO_TCP} && oldstate != newstate",
            (
                ("void *", "(void *)0"),
                packets.SOCKET,
                ("void *", "(void *)0"),
                _session(_becomes("newstate")),
                ("void *", "(void *)0"),
                ("tcplsinfo_t *", "xlate <tcplsinfo_t *> (oldstate)"),
            ),
        ),
        exactness="what Linux does: a passive open changes from LISTEN when the handshake's last "
        "segment comes, and what waits in TIME_WAIT is closed",
    ),
    *packets.sent(
        "send",
        _IS_TCP,
        _SENT,
        multicast=False,
        when="TCP",
        exactness="a segment that the device cuts up (TSO) counts once",
    ),
    Row(
        "receive",
        "tcp_v4_do_rcv",
        Derived(("sk", "skb"), "", _taken("sk")),
        exactness="segments that a connection or listener has taken, and those that are "
        "answered with a reset; merged ones (GRO) count once",
        fallback="`netif_receive_skb`: all segments for this host; no connection is known "
        "(`cs_addr`, `cs_cid`, `tcps_state` and what follows it)",
        kind="entry",
        otherwise=Row(
            "receive",
            "netif_receive_skb",
            Derived(
                ("skb",),
                f"{packets.IS_IP} && skb->pkt_type == 0 && "
                f"{packets.is_protocol(_IPPROTO_TCP, packets.FRAME)}",
                _FRAME,
            ),
            when="TCP",
        ),
    ),
    # An IPv6 socket's IPv4 segments go on to tcp_v4_do_rcv().
    _received("tcp_v6_do_rcv", ("sk", "skb"), packets.IPV6, "sk"),
    _received("tcp_check_req", ("listener", "skb", "req", "fastopen"), "!fastopen", "req"),
    _received("tcp_timewait_state_process", ("tw", "skb"), "", "tw"),
    *(
        _received(
            function,
            ("sk", "skb"),
            "sk == (struct sock *)0",
            "sk",
            "(struct __unclaimed *)skb",
        )
        for function in ("tcp_v4_send_reset", "tcp_v6_send_reset")
    ),
    *packets.sent(
        "connect-request",
        f"{_IS_TCP} && ({_FLAGS} & 18) == 2 && "  # SYN, not ACK
        "((struct inet_connection_sock *)skb->sk)->icsk_retransmits == 0",
        _SENT,
        multicast=False,
        when="the first SYN of a connection",
    ),
    _established(
        "connect-established",
        "tcp_finish_connect",
        Derived(("sk", "skb"), "skb != (struct sk_buff *)0", _taken("sk", _becomes(_ESTABLISHED))),
        _SYN_SENT,
        "",
    ),
    Row(
        "connect-refused",
        "tcp_reset",
        Derived(("sk", "skb"), f"sk->__sk_common.skc_state == {_SYN_SENT}", _taken("sk")),
        when="in SYN_SENT",
        fallback=f"`tcp_receive_reset`: {_NO_SEGMENT}",
        kind="entry",
        otherwise=Row(
            "connect-refused",
            "tcp_receive_reset",
            Derived(
                ("sk",),
                f"sk->__sk_common.skc_state == {_SYN_SENT}",
                _unseen("(struct sock *)sk"),
            ),
            when="in SYN_SENT",
        ),
    ),
    _established(
        "accept-established",
        "tcp_init_transfer",
        # BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB (include/uapi/linux/bpf.h)
        Derived(("sk", "op", "skb"), "op == 5", _taken("sk", _becomes(_ESTABLISHED))),
        _SYN_RECV,
        "of a passive open",
    ),
    *packets.sent(
        "accept-refused",
        # The answer to a segment without ACK begins at 0: RFC 793, "Reset Generation".
        f"{_IS_TCP} && ({_FLAGS} & 20) == 20 && {_SEQUENCE} == 0",
        _SENT,
        multicast=False,
        when="a reset that answers a SYN",
    ),
)

PROVIDER = DerivedProvider("tcp", _FIRST_ID, _ROWS, {})
