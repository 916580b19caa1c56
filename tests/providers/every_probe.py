"""Programs that count every probe of a provider while probe_work.py runs, and what must be seen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dscript.providers import Pattern, listing

HERE = Path(__file__).resolve().parent

# Provider -> the probes to go through, as their description's last field.
_MADE = ("proc", "sched", "io", "ip", "tcp", "udp", "sysinfo", "vminfo", "mib", "fsinfo")
PROVIDERS = dict.fromkeys((*_MADE, "lockstat", "cpc"), "") | {"sdt": "interrupt-*"}

# Only what the workload's own processes cause counts; where a probe fires in whatever context
# the kernel is in, everything does.
_OURS = {
    "io": "1",
    "sdt": "1",
    "ip": "1",
    "tcp": "1",
    "udp": "1",
    "mib": "!over",
    "sysinfo": "1",
    "vminfo": "1",
}
# mib probe -> what /proc/net/snmp calls it.  The workload has a
# network of its own, whose counts begin at 0; what is not here it counts elsewhere.
_SAME = {
    "icmp": "InEchos InRedirects OutEchos InEchoReps OutEchoReps InTimeExcds InDestUnreachs InMsgs",
    "ip": "FragFails InUnknownProtos OutNoRoutes InReceives OutRequests",
    "tcp": "InErrs ActiveOpens PassiveOpens AttemptFails EstabResets RetransSegs OutRsts InSegs "
    "OutSegs",
    "udp": "NoPorts InErrors InDatagrams OutDatagrams",
}
_COUNTED = {
    **{head + name: head + name for head, names in _SAME.items() for name in names.split()},
    "udpInCksumErrs": "udpInCsumErrors",
    "udpInOverflows": "udpRcvbufErrors",
}
# The same for all that a probe counts, where nobody else uses the network: sums and
# differences of what the kernel has counted (/proc/net/snmp, netstat, snmp6) and of what a
# packet socket has heard ("wire …").
_EXACT = (
    {name: other for name, other in _COUNTED.items() if name != "tcpOutSegs"}
    | {f"icmpOut{name}": f"icmpOut{name}" for name in ("Msgs", "DestUnreachs", "TimeExcds")}
    | {name: name for name in ("ipFragOKs", "ipInHdrErrors", "ipReasmReqds", "ipReasmOKs")}
    | {
        "ipReasmTimeout": "ipReasmTimeout",
        "ipInCksumErrs": "InCsumErrors",
        # What nobody listens for is given to nobody.
        "ipInDelivers": "ipInDelivers + ipInUnknownProtos",
        "ipIfStatsHCInDelivers": "ipInDelivers + ipInUnknownProtos",
        "ipIfStatsHCInReceives": "ipInReceives + Ip6InReceives",
        "ipIfStatsHCOutTransmits": "wire packets",
        "tcpOutSegs": "wire segments",
        "tcpOutDataSegs": "wire dataSegments",
        "tcpOutDataBytes": "wire dataBytes",
        "tcpOutAck": "wire acks",
        "tcpOutRsts": "wire resets",
        "tcpRetransBytes": "wire again",
        "tcpTimRetrans": "TCPTimeouts",
        "tcpTimKeepaliveProbe": "TCPKeepAlive",
        "tcpOutWinProbe": "TCPWinProbe",
        "tcpInDataDupSegs": "DelayedACKLost",
        "tcpInDataUnorderSegs": "TCPOFOQueue",
        "udpHCInDatagrams": "udpInDatagrams",
        "udpHCOutDatagrams": "udpOutDatagrams",
    }
)
# Counted at different places before Linux 6.7, which has one counter more since.
_OF_OLD = {
    "ipOutRequests": "ipOutRequests - ipForwDatagrams",
    "ipIfStatsHCOutRequests": "ipOutRequests - ipForwDatagrams",
    "ipForwDatagrams": "ipForwDatagrams",
}
_OF_LATE = {"ipOutRequests": "ipOutRequests", "ipIfStatsHCOutRequests": "ipOutRequests"}

_PROGENY = "(pid == $target || progenyof($target))"

# Reads kernel memory that is not there, once: a page fault of the kernel's.
_BAD_READ = "syscall::getpgid:entry /pid == $target/ { trace(*(int *)0xffffc8ffdeadb000); } "
BAD_ADDRESS = "invalid address (0xffffc8ffdeadb000)"  # what a run says of that


# The end of what counts: mib's workload looks at the kernel's counters then.
_OVER = "int over; syscall::kill:entry /progenyof($target) && arg1 == 0/ { over = 1; } "


def program(provider: str) -> str:
    return (
        (_OVER if provider == "mib" else "")
        + f"{provider}:::{PROVIDERS[provider]} /{_OURS.get(provider, _PROGENY)}/ "
        "{ @[probename] = count(); @sum[probename] = sum(arg0); } "
        + (_BAD_READ if provider == "vminfo" else "")
        + 'END { printa("fired %s %@d\\n", @); printa("sum %s %@d\\n", @sum); }'
    )


def workload(provider: str, folder: Path) -> str:
    return f"{sys.executable} {HERE / 'probe_work.py'} {provider} {folder}"


def prepare(folder: Path) -> None:
    """What the workload needs in its folder."""
    words = ["gcc", "-O1", "-static", "-pthread", "-o", f"{folder}/spin", f"{HERE}/spin.c"]
    subprocess.run(words, check=True)


def compare(provider: str, output: str, rare: Mapping[str, str] | None = None) -> None:
    """Each probe that is listed has fired or is one of the rare ones, which have reasons."""
    words = [line.split() for line in output.splitlines() if line.startswith("fired ")]
    counts = {name: int(count) for _, name, count in words}
    found = listing(Pattern(provider, "", "", PROVIDERS[provider])).points
    listed = {point.probe.name for point in found}
    assert listed, provider
    never = sorted(listed - set(counts) - set(rare or ()))
    assert not never, f"never fired: {', '.join(f'{provider}:::{name}' for name in never)}"
    gone = sorted(set(rare or ()) - listed)
    assert not gone, f"said to be rare, but not there: {', '.join(gone)}"


def compare_counts(output: str, folder: Path) -> None:
    """What mib's probes counted on the whole machine is no less than the kernel's own counts."""
    told = json.loads((folder / "told").read_text())
    words = [line.split() for line in output.splitlines() if line.startswith("sum ")]
    sums = {name: int(value) for _, name, value in words}
    for name, other in _COUNTED.items():
        assert sums[name] >= told[other] > 0, (name, sums[name], told)


def compare_exactly(output: str, folder: Path) -> int:
    """mib's probes count what others do; how many were compared."""
    told = json.loads((folder / "told").read_text())
    words = [line.split() for line in output.splitlines() if line.startswith("sum ")]
    sums = {name: int(value) for _, name, value in words}
    expected = _EXACT | (_OF_LATE if "ipOutTransmits" in told else _OF_OLD)
    wrong = {}
    for name, formula in expected.items():
        plus, *minus = formula.split(" - ")
        value = sum(told[each] for each in plus.split(" + ")) - sum(told[each] for each in minus)
        if sums.get(name, 0) != value or not value:
            wrong[name] = (sums.get(name, 0), value)
    assert not wrong, f"probe: (its own count, that of the others): {wrong}"
    return len(expected)
