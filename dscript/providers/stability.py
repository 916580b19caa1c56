"""Stability of providers' interfaces, as the chapters of the manual tabulate it.

An attribute is name stability / data stability / dependency class (manual, chapter
"Stability").  A probe's own is the least of those of the fields its description has.
"""

from __future__ import annotations

from typing import NamedTuple

from dscript.program import Probe

# From least to most stable, and from most to least dependent.
LEVELS = (
    "Internal",
    "Private",
    "Obsolete",
    "External",
    "Unstable",
    "Evolving",
    "Stable",
    "Standard",
)
CLASSES = ("Unknown", "CPU", "Platform", "Group", "ISA", "Common")


class Attribute(NamedTuple):
    """Stability of names, stability of data, dependency class."""

    name: str
    data: str
    dependency: str


class _Provider(NamedTuple):
    """What a provider promises of each field of its probes, and of their arguments."""

    provider: Attribute
    module: Attribute
    function: Attribute
    probe: Attribute
    arguments: Attribute


def _parsed(text: str) -> Attribute:
    return Attribute(*text.split("/"))


def _provider(*texts: str) -> _Provider:
    return _Provider(*map(_parsed, texts))


_HIDDEN = "Private/Private/Unknown"
_STABLE = "Stable/Stable/Common"
_ISA = "Evolving/Evolving/ISA"
_COMMON = "Evolving/Evolving/Common"
_PRIVATE = "Private/Private/ISA"
_USUAL = _provider(_ISA, _HIDDEN, _HIDDEN, _ISA, _ISA)
# Probes that programs define themselves promise nothing unless they say so.
_OWN = _provider(*(_HIDDEN,) * 5)
_PROVIDERS = {
    "dtrace": _provider(_STABLE, _HIDDEN, _HIDDEN, _STABLE, _STABLE),
    "syscall": _provider(_COMMON, _HIDDEN, "Unstable/Unstable/ISA", _COMMON, _PRIVATE),
    "profile": _provider(_COMMON, "Unstable/Unstable/Unknown", _HIDDEN, _COMMON, _COMMON),
    "fbt": _provider(_ISA, _HIDDEN, _HIDDEN, _ISA, _PRIVATE),
    "sdt": _provider(_ISA, _HIDDEN, _HIDDEN, _PRIVATE, _PRIVATE),
    "rawtp": _provider(_ISA, _HIDDEN, _HIDDEN, _PRIVATE, _PRIVATE),
    "sysinfo": _provider(_ISA, _HIDDEN, _HIDDEN, _ISA, _PRIVATE),
    "vminfo": _provider(_ISA, _HIDDEN, _HIDDEN, _ISA, _PRIVATE),
    "fpuinfo": _provider(_ISA, _HIDDEN, _HIDDEN, "Evolving/Evolving/CPU", "Private/Private/CPU"),
    "lockstat": _provider(_COMMON, _HIDDEN, _HIDDEN, _COMMON, _COMMON),
    "pid": _provider(_ISA, _HIDDEN, _HIDDEN, _ISA, _HIDDEN),
    **dict.fromkeys(("proc", "sched", "io", "ip", "tcp", "udp", "mib", "fsinfo"), _USUAL),
    "cpc": _provider(_COMMON, _HIDDEN, _HIDDEN, "Evolving/Evolving/CPU", _COMMON),
}


def of_probe(probe: Probe) -> tuple[Attribute, Attribute]:
    """The attributes of a probe's description and of its arguments."""
    name = probe.provider
    process = name.rstrip("0123456789") == "pid" and name != "pid"
    promised = _PROVIDERS.get("pid" if process else name, _OWN)
    least = promised.provider
    for field, attribute in (
        (probe.module, promised.module),
        (probe.function, promised.function),
        (probe.name, promised.probe),
    ):
        if field:
            least = _least(least, attribute)
    return least, promised.arguments


def _least(one: Attribute, other: Attribute) -> Attribute:
    return Attribute(
        min(one.name, other.name, key=LEVELS.index),
        min(one.data, other.data, key=LEVELS.index),
        min(one.dependency, other.dependency, key=CLASSES.index),
    )
