"""Checks in the guest: packets and connections seen through kernel functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.providers import network_pair, network_work
from tests.vm.harness import check, complete


def _watched(shared: Path, program: str) -> tuple[network_work.Seen, dict[str, Any]]:
    """What the program saw of the workload, and what the workload tells."""
    script, told = shared / "network.d", shared / "network.json"
    script.write_text(program)
    told.unlink(missing_ok=True)
    work = f"{sys.executable} {network_work.__file__} {told} 4 6"
    outcome = complete("-s", str(script), "-c", work, timeout=400)
    return network_work.Seen(outcome.stdout), json.loads(told.read_text())


@check()
def check_network_connections(shared: Path) -> None:
    """What the tcp provider tells, against the workload's own account."""
    seen, facts = _watched(shared, network_work.CONNECTIONS)
    for version in (4, 6):
        network_work.compare_connections(seen, version, facts["ports"][str(version)])
    assert seen.total("sent") == facts["counted"]["TcpOutSegs"]
    assert seen.total("received") == facts["counted"]["TcpInSegs"]


@check("6.1", "6.12")
def check_network_counts(shared: Path) -> None:
    """How often each probe fires against the kernel's counts: nothing else uses the network."""
    seen, facts = _watched(shared, network_work.COUNTS)
    counted = facts["counted"]
    for name, counter in (
        ("send", "TcpOutSegs"),
        ("receive", "TcpInSegs"),
        ("connect-request", "TcpActiveOpens"),
        ("accept-established", "TcpPassiveOpens"),
        ("connect-refused", "TcpAttemptFails"),
        ("accept-refused", "TcpOutRsts"),
    ):
        assert seen("tcp", name) == counted[counter] > 0, (name, counted)
    assert seen("tcp", "connect-established") == 2
    assert (
        seen("tcp", "state-change") == 2 * 14
    )  # 5 and 5 of a connection, 2 of its listener, 2 refused
    datagrams = counted["UdpOutDatagrams"] + counted["Udp6OutDatagrams"]
    assert seen("udp", "send") == seen("udp", "receive") == datagrams > 0, counted
    for version, prefix in ((4, "Ip"), (6, "Ip6")):
        assert seen("packets", "send", version) == counted[f"{prefix}OutRequests"], counted
        assert seen("packets", "receive", version) == counted[f"{prefix}InReceives"], counted


@check("6.12")
def check_network_between_namespaces(shared: Path) -> None:
    script, told = shared / "pair.d", shared / "pair.json"
    script.write_text(network_pair.PROGRAM)
    work = f"{sys.executable} {network_pair.__file__} {told}"
    outcome = complete("-s", str(script), "-c", work)
    network_pair.compare(outcome.stdout, network_pair.told(told))
