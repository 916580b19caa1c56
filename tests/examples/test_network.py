"""Recipes about the network, on workloads of known traffic on loopback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.recipes import Output, lossless
from tests.examples.test_cpu import pictures
from tests.providers.conftest import alone_on_the_network
from tests.providers.network_work import counters

__all__ = ["alone_on_the_network"]
pytestmark = pytest.mark.usefixtures("alone_on_the_network")

# A connection for each IP version: a request, an answer 20 ms later, and one that is refused.
TALK = r"""
open("/proc/self/comm", "w").write("talker")
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    server, client, closed = (socket.socket(family) for _ in range(3))
    server.bind((host, 0))
    closed.bind((host, 0))
    server.listen(5)
    client.connect(server.getsockname()[:2])
    peer, _ = server.accept()
    say(os.getpid(), host, client.getsockname()[1], server.getsockname()[1],
        closed.getsockname()[1], client.fileno(), peer.fileno())
    client.sendall(b"GET /page?x=1 HTTP/1.0\r\n" + b"h" * 74 + b"\r\n\r\n")
    request = b""
    while len(request) < 102:
        request += peer.recv(1000)
    time.sleep(0.02)
    peer.sendall(b"a" * 700)
    answer = b""
    while len(answer) < 700:
        answer += client.recv(1000)
    client.close()
    assert peer.recv(1) == b""
    time.sleep(0.05)
    peer.close()
    with socket.socket(family) as refused:
        try:
            refused.connect(closed.getsockname()[:2])
        except ConnectionRefusedError:
            pass
    server.close()
with socket.socket(socket.AF_UNIX) as local:
    try:
        local.connect("/no/such/socket")
    except FileNotFoundError:
        pass
"""
REQUEST, ANSWER = 102, 700
VERSIONS = ("127.0.0.1", "::1")

DATAGRAMS = """
open("/proc/self/comm", "w").write("sender")
inbox, outbox, closed = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
for each in (inbox, outbox, closed):
    each.bind(("127.0.0.1", 0))
ports = [each.getsockname()[1] for each in (inbox, outbox, closed)]
closed.close()
for _ in range(5):
    outbox.sendto(bytes(321), ("127.0.0.1", ports[0]))
    inbox.recv(321)
for _ in range(3):
    outbox.sendto(bytes(9), ("127.0.0.1", ports[2]))
    try:
        outbox.recv(1, socket.MSG_DONTWAIT)
    except OSError:
        pass
say(os.getpid(), *ports)
"""

AGAIN = """
def ip(*words):
    subprocess.run(["ip", *words], check=True)
ip("link", "set", "lo", "up")
ip("link", "add", "here0", "type", "veth", "peer", "name", "there0")
ip("addr", "add", "10.99.7.1/24", "dev", "here0")
ip("link", "set", "here0", "up")
ip("link", "set", "there0", "up")
ip("neigh", "add", "10.99.7.9", "lladdr", "02:00:00:00:00:09", "dev", "here0")
with socket.socket() as silent:
    silent.settimeout(1.4)
    try:
        silent.connect(("10.99.7.9", 7797))
    except TimeoutError:
        pass
"""


def ends(found: Output) -> list[tuple[str, ...]]:
    """Host and ports of client, server and nobody, for each IP version."""
    return [tuple(words[1:5]) for words in found.told]


def test_soconnect() -> None:
    found = lossless("soconnect", "$target", python=TALK)
    pid = found.told[0][0]
    for family, (host, _, server, closed) in zip(("inet", "inet6"), ends(found), strict=True):
        made = found.row(PID=pid, COMMAND="talker", FAMILY=family, ADDRESS=host, PORT=server)
        refused = found.row(PID=pid, FAMILY=family, ADDRESS=host, PORT=closed)
        assert (made["ERRNO"], refused["ERRNO"]) == ("0", "111")
    assert found.row(FAMILY="unix")["ADDRESS"] == "/no/such/socket"
    assert len(found.rows()) == 5


def test_soaccept() -> None:
    found = lossless("soaccept", "$target", python=TALK)
    for (host, client, server, _), told in zip(ends(found), found.told, strict=True):
        row = found.row(PID=told[0], LPORT=server, FROM=host, RPORT=client)
        assert (row["COMMAND"], row["FD"]) == ("talker", told[6])
    assert len(found.rows()) == 2


def test_soclose() -> None:
    """What went through each end, and how long the server had its one: 70 ms and more."""
    found = lossless("soclose", "$target", python=TALK)
    for host, client, server, _ in ends(found):
        near = found.row(LPORT=client, PEER=host, RPORT=server)
        far = found.row(LPORT=server, PEER=host, RPORT=client)
        assert (near["PROTO"], near["RECEIVED"], near["SENT"]) == ("tcp", str(ANSWER), str(REQUEST))
        assert (far["RECEIVED"], far["SENT"]) == (str(REQUEST), str(ANSWER))
        assert 70 <= int(far["OPEN(ms)"]) < 5000 and int(near["OPEN(ms)"]) >= 20


def test_tcpsnoop() -> None:
    found = lossless("tcpsnoop", python=TALK)
    for host, client, server, closed in ends(found):
        there = found.rows(DIR="out", SADDR=host, SPORT=client, DADDR=host, DPORT=server)
        back = found.rows(DIR="out", SADDR=host, SPORT=server, DADDR=host, DPORT=client)
        assert there[0]["FLAGS"] == "S" and back[0]["FLAGS"] == "SA"
        assert sum(int(row["BYTES"]) for row in there) == REQUEST
        assert sum(int(row["BYTES"]) for row in back) == ANSWER
        assert [row for row in there if "F" in row["FLAGS"]]
        refused = found.row(DIR="out", SPORT=closed)
        assert refused["FLAGS"] == "RA"
        for port in (client, server, closed):
            assert len(found.rows(DIR="in", SPORT=port)) == len(found.rows(DIR="out", SPORT=port))


def test_tcpconnect() -> None:
    found = lossless("tcpconnect", python=TALK)
    for host, client, server, closed in ends(found):
        rows = [words[4:] for words in found.words if words[-1] in (server, closed)]
        assert rows[0] == [found.told[0][0], "talker", host, client, host, server]
        assert rows[1][4:] == [host, closed] and len(rows) == 2


def test_tcpaccept() -> None:
    found = lossless("tcpaccept", python=TALK)
    for host, client, server, closed in ends(found):
        [taken] = [words[4:] for words in found.words if words[5] == server]
        [away] = [words[4:] for words in found.words if words[5] == closed]
        assert taken == [host, server, host, client, "accepted"]
        assert [away[0], away[2], away[4]] == [host, host, "refused"]


def test_tcpconnlat() -> None:
    found = lossless("tcpconnlat", python=TALK)
    for host, _, server, closed in ends(found):
        made, refused = found.row(RADDR=host, RPORT=server), found.row(RADDR=host, RPORT=closed)
        assert (made["RESULT"], refused["RESULT"]) == ("connected", "refused")
        assert made["PID"] == found.told[0][0] and made["COMMAND"] == "talker"
        assert 0 < int(made["TIME(us)"]) < 1_000_000
        assert sum(pictures(found)[f"{host}, microseconds:"].values()) >= 2


def test_tcptop() -> None:
    found = lossless("tcptop", python=TALK)
    for host, client, server, _ in ends(found):
        near = found.row(LADDR=host, LPORT=client, RADDR=host, RPORT=server)
        far = found.row(LADDR=host, LPORT=server, RADDR=host, RPORT=client)
        assert (near["SENT"], near["RECEIVED"]) == (str(REQUEST), str(ANSWER))
        assert (far["SENT"], far["RECEIVED"]) == (str(ANSWER), str(REQUEST))
        assert int(near["BYTES"]) == REQUEST + ANSWER


def test_tcpstate() -> None:
    """All states of both ends in order; the server's end waited 50 ms before it closed."""
    found = lossless("tcpstate", python=TALK)
    for host, client, server, _ in ends(found):
        near = found.rows(LPORT=client, RADDR=host, RPORT=server)
        far = found.rows(LPORT=server, RADDR=host, RPORT=client)
        assert [row["STATE"] for row in near] == [
            "established", "fin-wait-1", "fin-wait-2", "closed",
        ]  # fmt: skip
        assert [row["BEFORE"] for row in far] == [
            "listen", "syn-received", "established", "close-wait", "last-ack",
        ]  # fmt: skip
        assert 50_000 <= int(far[3]["TIME(us)"]) < 2_000_000
        assert int(near[1]["TIME(us)"]) >= 20_000


def test_tcpretrans(tmp_path: Path) -> None:
    """A peer that never answers: the first segment is sent again after a second."""
    script = tmp_path / "again.py"
    script.write_text("import socket, subprocess\n" + AGAIN)
    alone = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    if alone.returncode:
        pytest.skip("no network namespaces")
    found = lossless("tcpretrans", command_line=f"unshare -n {sys.executable} {script}")
    [row] = [words[4:] for words in found.words if "7797" in words]
    assert row[0] == "10.99.7.1" and row[2:] == ["10.99.7.9", "7797", "0", "state-syn-sent"]
    assert found.row(PEER="10.99.7.9")["AGAIN"] == "1"


def grown(name: str, workload: str) -> tuple[dict[str, str], dict[str, int]]:
    """The recipe's line, and how the kernel's own counters grew from before it to after it."""
    before = counters()
    found = lossless(name, python=workload)
    after = counters()
    [row] = found.rows()
    return row, {counter: after[counter] - before[counter] for counter in after}


@pytest.mark.parametrize(
    ("name", "workload", "columns"),
    [
        (
            "tcpstat",
            TALK,
            {
                "ACTIVE": (4, "TcpActiveOpens"),
                "PASSIVE": (2, "TcpPassiveOpens"),
                "FAILED": (2, "TcpAttemptFails"),
                "RESET": (0, "TcpEstabResets"),
                "OUTSEGS": (20, "TcpOutSegs"),
                "OUTRSTS": (2, "TcpOutRsts"),
            },
        ),
        (
            "udpstat",
            DATAGRAMS,
            {
                "OUT": (8, "UdpOutDatagrams"),
                "IN": (5, "UdpInDatagrams"),
                "NOPORT": (3, "UdpNoPorts"),
                "OVERFLOW": (0, "UdpRcvbufErrors"),
                "ERRORS": (0, "UdpInErrors"),
            },
        ),
        (
            "ipstat",
            DATAGRAMS,
            {
                "IN": (11, "IpInReceives"),
                "OUT": (11, "IpOutRequests"),
                "HEADER": (0, "IpInHdrErrors"),
                "PROTOCOL": (0, "IpInUnknownProtos"),
            },
        ),
    ],
)
def test_statistics(name: str, workload: str, columns: dict[str, tuple[int, str]]) -> None:
    """At least what the workload did, at most what the kernel counted around it."""
    row, kernel = grown(name, workload)
    for column, (known, counter) in columns.items():
        assert known <= int(row[column]) <= kernel[counter], (column, row, kernel[counter])


def test_icmpstat() -> None:
    """Three datagrams for a port where nobody listens are answered."""
    found = lossless("icmpstat", python=DATAGRAMS)
    for name in ("icmpOutDestUnreachs", "icmpInDestUnreachs", "icmpOutMsgs", "icmpInMsgs"):
        assert 3 <= int(found.row(STATISTIC=name)["VALUE"]) <= 6


def test_udpsnoop() -> None:
    found = lossless("udpsnoop", python=DATAGRAMS)
    [[pid, inbox, outbox, closed]] = found.told
    for port, count, size in ((inbox, 5, "321"), (closed, 3, "9")):
        out = found.rows(DIR="out", SPORT=outbox, DPORT=port)
        assert {(r["PID"], r["COMMAND"], r["BYTES"]) for r in out} == {(pid, "sender", size)}
        assert len(out) == count
    taken = found.rows(DIR="in", SADDR="127.0.0.1", SPORT=outbox, DPORT=inbox, BYTES=321)
    assert len(taken) == 5


def test_sotop() -> None:
    found = lossless("sotop", python=TALK)
    row = found.row(PID=found.told[0][0], COMMAND="talker")
    assert row["SENT"] == row["RECEIVED"] == str(2 * (REQUEST + ANSWER))
    assert int(row["BYTES"]) == 4 * (REQUEST + ANSWER)


def test_socketio() -> None:
    found = lossless("socketio", "$target", python=TALK)
    sent, taken = found.row(CALL="sendto"), found.row(CALL="recvfrom")
    assert (sent["CALLS"], sent["FAILED"]) == ("4", "0")
    assert sent["BYTES"] == taken["BYTES"] == str(2 * (REQUEST + ANSWER))
    assert int(sent["AVG"]) == (REQUEST + ANSWER) // 2
    assert int(taken["CALLS"]) >= 6  # two of them are the ends


def test_httpfirst() -> None:
    """The client has the server's answer no sooner than 20 ms after its request."""
    found = lossless("httpfirst", python=TALK)
    rows = found.rows(PID=found.told[0][0], COMMAND="talker", REQUEST="GET /page?x=1")
    assert len(rows) == 2
    assert all(20_000 <= int(row["TIME(us)"]) < 1_000_000 for row in rows)
    counts = pictures(found)["talker, microseconds to the first byte:"]
    assert sum(counts.values()) == 2 and min(map(int, counts)) >= 16384


def test_netdrops() -> None:
    """The three datagrams that nobody takes."""
    found = lossless("netdrops", python=DATAGRAMS)
    dropped = [words for words in found.words if "udp" in words[0] and words[1] == "0x0800"]
    assert 3 <= sum(int(words[-1]) for words in dropped) <= 5, found.stdout
