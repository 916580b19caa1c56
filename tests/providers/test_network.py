"""ip, tcp and udp probes against a workload of known packets on loopback."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dscript.providers import Pattern, match
from tests import losses
from tests.providers import network_pair, network_work
from tests.providers.derived_support import outcome, refused

pytestmark = pytest.mark.usefixtures("alone_on_the_network")


def run(*words: str) -> str:
    """What a run prints that missed nothing."""
    return losses.complete(lambda: outcome(*words))


def test_a_workload_on_loopback(tmp_path: Path) -> None:
    """Both IP versions: addresses, ports, states, counts and bytes of every probe."""
    script, told = tmp_path / "watch.d", tmp_path / "told"
    script.write_text(network_work.CONNECTIONS + network_work.PACKETS)
    work = f"{sys.executable} {network_work.__file__} {told} 4 6"
    printed = run("-s", str(script), "-c", work)
    facts = json.loads(told.read_text())
    seen = network_work.Seen(printed)
    for version in (4, 6):
        network_work.compare(seen, version, facts["ports"][str(version)])


def test_strings_of_any_size_and_structures_as_a_whole(tmp_path: Path) -> None:
    """The kernel takes the programs; a short string is cut, a structure has every member."""
    program = (
        'tcp:::connect-request { printf("%s|%s\\n", args[2]->ip_saddr, args[3]->tcps_raddr); '
        "print(*args[2]); self->port = args[4]->tcp_dport; } "
        'udp:::send { printf("%s\\n", args[2]->ip_daddr); }'
    )
    work = f"{sys.executable} {network_work.__file__} {tmp_path / 'told'} 4"
    for size, shown in ((8, "127.0.0"), (4096, "127.0.0.1")):
        printed = run("-q", "-x", f"strsize={size}", "-n", program, "-c", work)
        assert f"{shown}|{shown}\n" in printed
        assert f'string ip_saddr = "{shown}"' in printed
        assert "uint8_t ip_ver = " in printed
    assert shown in printed.splitlines()


def test_what_a_clause_can_name() -> None:
    """Predicates, arg0, the type of a header's pointer, and constants; nothing need fire."""
    printed = run(
        "-qn",
        'BEGIN { printf("%d %d %d %s", TH_SYN | TH_ACK, IPPROTO_UDP, IPH_DF, '
        "tcp_state_string[TCP_STATE_LISTEN]); exit(0); } "
        "tcp:::send /args[4]->tcp_dport == 1 && args[4]->tcp_hdr->window != 0/ { trace(arg0); } "
        "ip:::receive /args[5]->ipv6_hdr->hop_limit == 1/ { trace(args[4]->ipv4_hdr->ttl); } "
        "udp:::receive /args[4]->udp_hdr->source == 1/ { trace(args[4]->udp_length); } "
        "tcp:::state-change /args[3]->tcps_state == TCP_STATE_ESTABLISHED/ { trace(arg1); }",
    )
    assert printed.strip() == "18 17 4 state-listen"


def test_what_is_not_there_is_said() -> None:
    assert "nearest: " in refused("ip:::drop-in {}")


def test_a_connection_that_is_not_known_yet_is_refused() -> None:
    """Where packets are seen before their socket is looked up, nothing is made up."""
    if match(Pattern("fbt", "", "tcp_v4_do_rcv", "entry")).points:
        pytest.skip("kernel functions can be probed here, so connections are known")
    assert "netif_receive_skb" in refused("tcp:::receive { trace(args[1]->cs_cid); }")
    assert "netif_receive_skb" in refused("tcp:::receive { trace(args[3]->tcps_state); }")


def test_between_two_namespaces(tmp_path: Path) -> None:
    """Devices, network namespaces and addresses of both ends of a pair of devices."""
    script, told = tmp_path / "watch.d", tmp_path / "told"
    script.write_text(network_pair.PROGRAM)
    printed = run("-s", str(script), "-c", f"{sys.executable} {network_pair.__file__} {told}")
    network_pair.compare(printed, network_pair.told(told))


_HALVES = """
import socket, struct, sys
told = open(sys.argv[1], "w")
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen(1)
        one = socket.create_connection(server.getsockname()[:2])
        two, _ = server.accept()
        for n in range(3):
            for each, other in ((one, two), (two, one)):
                each.sendall(b"some text")
                other.recv(99)
        # struct tcp_info: 8 bytes, then tcpi_rto in microseconds
        for each in (one, two):
            info = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            each.sendall(b"!")
            rto = struct.unpack_from("I", info, 8)[0]
            print(each.getsockname()[1], int(each is one), rto // 1000, file=told)
        one.close()
        two.close()
"""


def test_what_a_connection_keeps_of_its_begin(tmp_path: Path) -> None:
    """Who asked, the first sequence numbers (those of the SYNs), TCP_INFO's retransmission time."""
    work, told = tmp_path / "halves.py", tmp_path / "told"
    work.write_text(_HALVES)
    printed = run(
        "-qn",
        "tcp:::send /args[4]->tcp_flags & TH_SYN/ "
        '{ printf("first %d %u\\n", args[4]->tcp_sport, args[4]->tcp_seq); } '
        "tcp:::send /!(args[4]->tcp_flags & TH_SYN) && args[2]->ip_plength > args[4]->tcp_offset/ "
        '{ printf("%d %d %u %d %d\\n", args[4]->tcp_sport, args[3]->tcps_active, '
        "args[3]->tcps_iss, args[3]->tcps_rto, args[3]->tcps_sack_fack == args[3]->tcps_suna && "
        "args[3]->tcps_sack_snxt == 0); }",
        "-c",
        f"{sys.executable} {work} {told}",
    )
    lines = [line.split() for line in printed.splitlines() if line.strip()]
    first = {words[1]: words[2] for words in lines if words[0] == "first"}
    sent = {words[0]: words[1:] for words in lines if words[0] != "first"}
    facts = [line.split() for line in told.read_text().splitlines()]
    assert len(facts) == 4
    for port, active, rto in facts:
        seen = sent[port]
        assert (seen[0], seen[1], seen[3]) == (active, first[port], "1")
        # The kernel keeps it in ticks and may learn between the look and the segment.
        assert abs(int(seen[2]) - int(rto)) <= 10
    assert all(words[1] == sent[words[0]][0] for words in lines if words[0] in sent)


_AGAIN = """
import socket, subprocess
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "set", "lo", "up")
ip("link", "add", "here0", "type", "veth", "peer", "name", "there0")
ip("addr", "add", "10.99.7.1/24", "dev", "here0")
ip("link", "set", "here0", "up")
ip("link", "set", "there0", "up")
ip("neigh", "add", "10.99.7.9", "lladdr", "02:00:00:00:00:09", "dev", "here0")
with socket.socket() as silent:
    silent.settimeout(1.6)
    try: silent.connect(("10.99.7.9", 7797))
    except TimeoutError: pass
with socket.socket(socket.AF_INET6) as server:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", 7798))
    server.listen(1)
    with socket.create_connection(("127.0.0.1", 7798)): server.accept()[0].close()
"""


def test_a_syn_sent_again_and_an_ipv4_peer_of_an_ipv6_socket(tmp_path: Path) -> None:
    """In a namespace of its own: one host is silent (a SYN is repeated after 1 s), one is here."""
    work = tmp_path / "again.py"
    work.write_text(_AGAIN)
    printed = run(
        "-qn",
        "tcp:::send /args[4]->tcp_dport == 7797/ "
        '{ printf("send %d %x\\n", args[3]->tcps_retransmit, args[4]->tcp_flags); } '
        'tcp:::connect-request /args[4]->tcp_dport == 7797/ { printf("request\\n"); } '
        "tcp:::accept-established /args[3]->tcps_lport == 7798/ "
        '{ printf("accept %d %s %s %d\\n", args[2]->ip_ver, args[2]->ip_saddr, '
        "args[3]->tcps_raddr, args[3]->tcps_local); }",
        "-c",
        f"unshare -n {sys.executable} {work}",
    )
    lines = [line for line in printed.splitlines() if line]
    assert sorted(lines[:3]) == ["request", "send 0 2", "send 1 2"]
    assert lines[2:] == ["send 1 2", "accept 4 127.0.0.1 127.0.0.1 1"]


def test_the_probes_are_there() -> None:
    found = {
        provider: {p.probe.name for p in match(Pattern(provider, "", "", "")).points}
        for provider in ("ip", "tcp", "udp")
    }
    assert found["ip"] == found["udp"] == {"send", "receive"}
    events = {"accept-established", "accept-refused", "state-change", "send", "receive"}
    events |= {f"connect-{what}" for what in ("request", "established", "refused")}
    assert found["tcp"] == events
