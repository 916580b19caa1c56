"""The rawtp provider: a tracepoint by its bare name, `rawtp:::NAME`, without tracefs.

The module field is `vmlinux` or the kernel module that defines the tracepoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from dscript.kernel import btf, tracefs
from dscript.program import Probe
from dscript.providers import tracepoints
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)

_FIRST_ID = 8000


class _Rawtp:
    names = ("rawtp", "rawtracepoint")

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        if pattern.function.strip("*"):
            return []
        return [
            ProbePoint(
                Probe(number, "rawtp", module, "", name), AttachPoint("raw_tp", name, "raw_tp")
            )
            for number, (module, name) in enumerate(_listed(), _FIRST_ID)
            if pattern.matches_name(name) and pattern.matches_module(module)
        ]

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return tracepoints.arguments(point.probe.name)

    def missing(self, pattern: Pattern) -> str | None:
        if not _listed():
            return (
                "raw tracepoints are found in BTF (/sys/kernel/btf/vmlinux) or tracefs, and "
                "neither can be read"
            )
        return None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        if is_glob(pattern.name):
            return "", ()
        return pattern.name, [name for _module, name in _listed()]

    def described(self) -> Sequence[Described]:
        return (
            Described(
                "every tracepoint by its name",
                "raw tracepoint, found in BTF",
                "from BTF",
                "Linux only",
                "names from tracefs where the kernel has no BTF, then without `args[]`",
            ),
        )


@lru_cache(maxsize=1)
def _listed() -> list[tuple[str, str]]:
    """(module, name); from tracefs where the kernel has no BTF."""
    if btf.vmlinux() is not None:
        return tracepoints.names()
    named = {n for category, n in tracefs.events() if category not in ("syscalls", "ftrace")}
    return [("vmlinux", name) for name in sorted(named)]


PROVIDER = _Rawtp()
