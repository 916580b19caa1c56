"""flowindent: the CPU and FUNCTION columns, indented by calls.

A probe named `entry` (or `…-entry`) is a call and `return` is its end; syscalls have their
own arrows (manual, chapter "Options and Tunables", `flowindent`).  Further clauses of one
firing, and all other probes, are set under a `|`.
"""

from __future__ import annotations

from collections.abc import Mapping

from dscript.program import Probe

HEADING = b"%3s %-41s\n" % (b"CPU", b"FUNCTION")
_STEP = 2


def is_entry(probe: Probe) -> bool:
    return probe.name == "entry" or probe.name.endswith("-entry")


def is_return(probe: Probe) -> bool:
    return probe.name == "return" or probe.name.endswith("-return")


class FlowIndent:
    """Depth of every thread, and the clause that printed last."""

    def __init__(self, probes: Mapping[int, Probe]) -> None:
        self._probes = probes
        self._depth: dict[int, int] = {}
        self._last: tuple[int, int, int] | None = None  # clause, probe, tid

    def head(self, clause: int, probe: int, cpu: int, tid: int, continued: bool) -> bytes:
        """The columns for a record.

        `continued` says that the next record is another clause of the same firing, for a
        return probe to unindent only at its last one.
        """
        shown = self._probes[probe]
        depth = self._depth.get(tid, 0)
        again = False
        if self._last is not None:
            last_clause, last_probe, last_tid = self._last
            again = (last_probe, last_tid) == (probe, tid) and last_clause < clause
        self._last = (clause, probe, tid)
        syscall = shown.provider == "syscall"
        if is_entry(shown) and not again:
            arrow = " => " if syscall else " -> "
            self._depth[tid] = depth + _STEP
            text = " " * depth + arrow + shown.function
        elif is_return(shown) and not continued:
            depth = max(0, depth - _STEP)
            if depth:
                self._depth[tid] = depth
            else:
                self._depth.pop(tid, None)
            arrow = " <= " if syscall else " <- "
            text = " " * depth + arrow + shown.function
        else:
            text = " " * depth + f"| {shown.function}:{shown.name}"
        return b"%3d %-41s " % (cpu, text.encode())
