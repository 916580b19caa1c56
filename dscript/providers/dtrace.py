"""The dtrace provider: BEGIN, END and ERROR (manual, chapter "dtrace Provider")."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.program import AttachKind, Probe
from dscript.providers.base import ArgumentType, AttachPoint, Described, Pattern, ProbePoint

# ERROR has no place of its own in the kernel: the compiler reads its firings as records of
# kind ERROR; the attach kind is that of a program the runtime calls.
_KINDS: tuple[tuple[int, str, AttachKind], ...] = (
    (1, "BEGIN", "begin"),
    (2, "END", "end"),
    (3, "ERROR", "end"),
)
_POINTS = tuple(
    ProbePoint(Probe(number, "dtrace", "", "", name), AttachPoint(kind, name, "syscall_program"))
    for number, name, kind in _KINDS
)


class _Dtrace:
    names = ("dtrace",)

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        return [point for point in _POINTS if pattern.matches("", "", point.probe.name)]

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return ()

    def missing(self, pattern: Pattern) -> str | None:
        return None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        return pattern.name, ("BEGIN", "END", "ERROR")

    def described(self) -> Sequence[Described]:
        run = "a BPF program that the tracer runs itself (`BPF_PROG_TEST_RUN`)"
        faults = "`arg1` EPID, `arg2` action, `arg4` fault, `arg5` address"
        offset = "exact, but that `arg3`, the offset in DIF, is always -1"
        return (
            Described("`BEGIN`, `END`", run),
            Described("`ERROR`", "part of every program, run on a fault", faults, offset),
        )


PROVIDER = _Dtrace()
