"""What goes to stderr while tracing: drops and errors, in DTrace's words."""

from __future__ import annotations

from dscript.program import DropKind, Fault, Probe

# Manual, chapter "dtrace Provider", ERROR probe: the meaning of the fault codes.
_FAULTS = {
    Fault.UNKNOWN: "unknown fault",
    Fault.BADADDR: "invalid address",
    Fault.BADALIGN: "invalid alignment",
    Fault.ILLOP: "illegal operation",
    Fault.DIVZERO: "divide-by-zero",
    Fault.NOSCRATCH: "out of scratch space",
    Fault.KPRIV: "invalid kernel access",
    Fault.UPRIV: "invalid user access",
    Fault.TUPOFLOW: "tuple stack overflow",
    Fault.BADSTACK: "bad stack",
}
_WITH_ADDRESS = frozenset({Fault.BADADDR, Fault.BADALIGN, Fault.BADSTACK})
NO_OFFSET = 0xFFFFFFFF


def fault_words(fault: int) -> str:
    try:
        return _FAULTS[Fault(fault)]
    except ValueError:
        return "unknown fault"


def error_text(
    epid: int, probe: Probe | None, action: int, fault: int, dif: int, address: int
) -> str:
    """The message of a clause that failed; action 0 is its predicate."""
    details = f" (0x{address:x})" if fault in _WITH_ADDRESS else ""
    where = f"action #{action}" if action else "predicate"
    offset = "" if dif == NO_OFFSET else f" at DIF offset {dif}"
    return enabled_probe_text(epid, probe, f"{fault_words(fault)}{details} in {where}{offset}")


def enabled_probe_text(epid: int, probe: Probe | None, what: str) -> str:
    """The frame of every message about a firing."""
    who = "unknown probe" if probe is None else f"ID {probe.id}: {probe}"
    return f"error on enabled probe ID {epid} ({who}): {what}"


# What option droptags puts before a message about drops.
_TAGS = {
    DropKind.RECORD: "DTRACEDROP_PRINCIPAL",
    DropKind.AGGREGATION: "DTRACEDROP_AGGREGATION",
    DropKind.DYNAMIC: "DTRACEDROP_DYNAMIC",
    DropKind.SCRATCH: "DTRACEDROP_PRINCIPAL",
    DropKind.SPECULATION: "DTRACEDROP_SPEC",
    DropKind.SPECULATION_BUSY: "DTRACEDROP_SPECBUSY",
    DropKind.SPECULATION_UNAVAILABLE: "DTRACEDROP_SPECUNAVAIL",
}


def drop_text(kind: DropKind, count: int, cpu: int, tags: bool = False) -> str:
    """What was lost, with `tags` behind the kind's name in brackets."""
    tag = f"[{_TAGS[kind]}] " if tags else ""
    return tag + _drop_words(kind, count, cpu)


def _drop_words(kind: DropKind, count: int, cpu: int) -> str:
    many = "" if count == 1 else "s"
    if kind is DropKind.RECORD:
        return f"{count} drop{many} on CPU {cpu}"
    if kind is DropKind.AGGREGATION:
        return f"{count} aggregation drop{many} on CPU {cpu}"
    if kind is DropKind.DYNAMIC:
        return f"{count} dynamic variable drop{many}"
    if kind is DropKind.SCRATCH:
        return f"{count} drop{many} on CPU {cpu} (no scratch space)"
    if kind is DropKind.SPECULATION:
        return f"{count} speculative drop{many}"
    if kind is DropKind.SPECULATION_BUSY:
        return f"{count} failed speculation{many} (available buffer{many} still busy)"
    return f"{count} failed speculation{many} (no speculative buffer available)"
