"""A workload of TCP and UDP on loopback that tells what it did.

`network_work.py FILE 4 6`: for each IP version a connection with data both ways, a refused
connection and datagrams; FILE gets the ports and what /proc/net counted meanwhile, as JSON.
Imported, it is the program that watches it and the comparison of both.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

HOSTS = {4: "127.0.0.1", 6: "::1"}
EXCHANGES, ASKED, ANSWERED = 3, 100, 50
DATAGRAMS, DATAGRAM = 4, 777

CONNECTIONS = r"""
#pragma D option quiet
tcp:::send
{
    @sent[args[4]->tcp_sport, args[4]->tcp_dport, args[4]->tcp_flags, args[3]->tcps_lport,
        args[3]->tcps_raddr, args[2]->ip_plength - args[4]->tcp_offset,
        tcp_state_string[args[3]->tcps_state], args[3]->tcps_local,
        args[3]->tcps_retransmit] = count();
}
tcp:::receive
{
    @received[args[4]->tcp_sport, args[4]->tcp_dport, args[4]->tcp_flags, args[3]->tcps_lport,
        args[2]->ip_saddr, args[2]->ip_plength - args[4]->tcp_offset] = count();
}
tcp:::connect-request
{
    began[args[1]->cs_cid] = timestamp;
    @request[args[3]->tcps_lport, args[3]->tcps_rport, args[2]->ip_daddr] = count();
}
tcp:::connect-established
{
    @connected[args[3]->tcps_lport, args[3]->tcps_rport, args[3]->tcps_raddr,
        tcp_state_string[args[3]->tcps_state], args[2]->ip_saddr, args[4]->tcp_sport] = count();
    @latency[args[3]->tcps_lport] = max(timestamp - began[args[1]->cs_cid]);
}
tcp:::connect-refused
{
    @refused[args[4]->tcp_dport, args[4]->tcp_sport, args[2]->ip_saddr,
        began[args[1]->cs_cid] != 0] = count();
}
tcp:::accept-established
{
    @accepted[args[3]->tcps_lport, args[4]->tcp_sport, args[3]->tcps_raddr,
        tcp_state_string[args[3]->tcps_state]] = count();
}
tcp:::accept-refused
{
    @denied[args[4]->tcp_sport, args[4]->tcp_dport, args[2]->ip_daddr] = count();
}
tcp:::state-change
{
    printf("change %d %d %s %s\n", args[3]->tcps_lport, args[3]->tcps_rport,
        tcp_state_string[args[5]->tcps_state], tcp_state_string[args[3]->tcps_state]);
}
END
{
    printa("sent %d %d %d %d %s %d %s %d %d %@d\n", @sent);
    printa("received %d %d %d %d %s %d %@d\n", @received);
    printa("request %d %d %s %@d\n", @request);
    printa("connected %d %d %s %s %s %d %@d\n", @connected);
    printa("latency %d %@d\n", @latency);
    printa("refused %d %d %s %d %@d\n", @refused);
    printa("accepted %d %d %s %s %@d\n", @accepted);
    printa("denied %d %d %s %@d\n", @denied);
}
"""

PACKETS = r"""
udp:::send, udp:::receive
{
    @datagrams[probename, args[3]->udps_lport, args[3]->udps_rport, args[3]->udps_raddr,
        args[4]->udp_sport, args[4]->udp_dport, args[4]->udp_length,
        args[2]->ip_plength] = count();
}
ip:::send, ip:::receive
{
    @packets[probename, args[2]->ip_ver, args[2]->ip_plength, args[2]->ip_saddr,
        args[2]->ip_daddr, args[3]->if_name, args[3]->if_local, args[4]->ipv4_length,
        args[4]->ipv4_ihl, args[4]->ipv4_protostr, args[5]->ipv6_plen,
        args[5]->ipv6_nexthdr] = count();
}
END
{
    printa("datagrams %s %d %d %s %d %d %d %d %@d\n", @datagrams);
    printa("packets %s %d %d %s %s %s %d %d %d %s %d %d %@d\n", @packets);
}
"""

# Only how often each probe fires.
COUNTS = r"""
#pragma D option quiet
tcp:::, udp::: { @[probeprov, probename] = count(); }
ip::: { @packets[probename, args[2]->ip_ver] = count(); }
END { printa("%s %s %@d\n", @); printa("packets %s %d %@d\n", @packets); }
"""

_CLIENT_CHANGES = ["closed", "syn-sent", "established", "fin-wait-1", "fin-wait-2", "closed"]
_SERVER_CHANGES = ["listen", "syn-received", "established", "close-wait", "last-ack", "closed"]


def counters() -> dict[str, int]:
    """What the kernel has counted: `TcpOutSegs`, `UdpInDatagrams`, `Ip6OutRequests`, …"""
    found: dict[str, int] = {}
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        for name, value in zip(names[1:], values[1:], strict=True):
            found[names[0].rstrip(":") + name] = int(value)
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        name, value = line.split()
        found[name] = int(value)
    return found


def exchange(version: int) -> dict[str, Any]:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    host = HOSTS[version]

    def made(kind: int) -> socket.socket:
        new = socket.socket(family, kind)
        new.bind((host, 0))
        return new

    server, client, closed, lost, inbox, outbox = (
        made(kind) for kind in [socket.SOCK_STREAM] * 4 + [socket.SOCK_DGRAM] * 2
    )
    server.listen(5)
    client.connect(server.getsockname())
    peer, _ = server.accept()
    ports = {
        name: each.getsockname()[1]
        for name, each in (
            ("server", server),
            ("client", client),
            ("closed", closed),
            ("lost", lost),
            ("inbox", inbox),
            ("outbox", outbox),
        )
    }
    assert peer.getpeername()[1] == ports["client"]
    for _ in range(EXCHANGES):
        client.sendall(bytes(ASKED))
        assert len(peer.recv(ASKED)) == ASKED
        peer.sendall(bytes(ANSWERED))
        assert len(client.recv(ANSWERED)) == ANSWERED
    client.close()
    assert peer.recv(1) == b""
    time.sleep(0.1)
    peer.close()
    server.close()
    try:
        lost.connect(closed.getsockname())
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("nothing listens there")
    for _ in range(DATAGRAMS):
        outbox.sendto(bytes(DATAGRAM), inbox.getsockname())
        assert len(inbox.recv(DATAGRAM)) == DATAGRAM
    return ports


def main(path: str, versions: list[int]) -> None:
    before = counters()
    ports = {version: exchange(version) for version in versions}
    time.sleep(0.2)
    after = counters()
    counted = {name: after[name] - before[name] for name in after}
    Path(path).write_text(json.dumps({"ports": ports, "counted": counted}))


# ------------------------------------------------------------------------------ comparison


class Seen:
    """The lines that the program printed: for each of their words but the last, its count."""

    def __init__(self, output: str) -> None:
        words = [line.split() for line in output.splitlines() if line.strip()]
        self.changes = [line[1:] for line in words if line[0] == "change"]
        self.counts = Counter(
            {" ".join(line[:-1]): int(line[-1]) for line in words if line[0] != "change"}
        )

    def __call__(self, *words: object) -> int:
        return self.counts[" ".join(map(str, words))]

    def total(self, *words: object) -> int:
        head = " ".join(map(str, words)) + " "
        return sum(count for key, count in self.counts.items() if f"{key} ".startswith(head))


def compare(seen: Seen, version: int, ports: dict[str, int]) -> None:
    """What CONNECTIONS and PACKETS counted against what the workload did."""
    compare_connections(seen, version, ports)
    compare_packets(seen, version, ports)


def compare_connections(seen: Seen, version: int, ports: dict[str, int]) -> None:
    host = HOSTS[version]
    server, client, closed, lost = (ports[n] for n in ("server", "client", "closed", "lost"))
    for source, target, flags, bytes_, count in (
        (client, server, 2, 0, 1),  # SYN
        (server, client, 18, 0, 1),  # SYN ACK
        (client, server, 24, ASKED, EXCHANGES),  # PSH ACK
        (server, client, 24, ANSWERED, EXCHANGES),
        (client, server, 17, 0, 1),  # FIN ACK
        (server, client, 17, 0, 1),
        (lost, closed, 2, 0, 1),
        (closed, lost, 20, 0, 1),  # RST ACK
    ):
        state = {2: "syn-sent", 18: "syn-received", 24: "established", 20: "closed"}.get(flags)
        state = state or ("fin-wait-1" if source == client else "last-ack")
        way = ("sent", source, target, flags, source, host, bytes_, f"state-{state}", 1, 0)
        assert seen(*way) == count, way
        assert seen("received", source, target, flags, target, host, bytes_) == count, way
    assert seen.total("sent", client, server, 24) == EXCHANGES
    assert seen.total("received", server, client, 24) == EXCHANGES
    assert seen("request", client, server, host) == 1
    assert seen("request", lost, closed, host) == 1
    assert seen("connected", client, server, host, "state-established", host, server) == 1
    assert 0 < seen("latency", client) < 10**10
    assert seen("refused", lost, closed, host, 1) == 1
    assert seen("accepted", server, client, host, "state-established") == 1
    assert seen("denied", closed, lost, host) == 1
    _compare_changes(seen, server, client)


def compare_packets(seen: Seen, version: int, ports: dict[str, int]) -> None:
    host, inbox, outbox = HOSTS[version], ports["inbox"], ports["outbox"]
    length = DATAGRAM + 8
    tail = (outbox, inbox, length, length)
    assert seen("datagrams", "send", outbox, inbox, host, *tail) == DATAGRAMS
    assert seen("datagrams", "receive", inbox, outbox, host, *tail) == DATAGRAMS
    four = (length + 20, 20, "UDP") if version == 4 else (0, 0, "<null>")
    six = (length, 17) if version == 6 else (0, 0)
    for way in ("send", "receive"):
        packet = (way, version, length, host, host, "lo", 1, *four, *six)
        assert seen("packets", *packet) == DATAGRAMS, packet


def _compare_changes(seen: Seen, server: int, client: int) -> None:
    def of(port: int) -> list[tuple[str, str]]:
        found = [words[2:] for words in seen.changes if words[0] == str(port)]
        return [(a.removeprefix("state-"), b.removeprefix("state-")) for a, b in found]

    # The port is bound beforehand.
    assert of(client) == list(pairwise(_CLIENT_CHANGES))
    expected = list(pairwise(_SERVER_CHANGES))
    assert sorted(of(server)) == sorted([*expected, ("closed", "listen"), ("listen", "closed")])


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
