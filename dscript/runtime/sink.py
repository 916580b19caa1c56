"""What the runtime wants of whoever shows the records (`dscript.output`): the sink.

The session reads the ring in order and calls the sink; the sink formats, and carries out
the actions that live in user space (printa, clear, trunc, normalize, exit …) at the moment
their record is consumed.  Before such an action looks at or changes an aggregation's
totals it calls the `Snapshot` it was given by `attach`: when that returns, the totals in
`aggregations` hold every event that came before the record.

An `OSError` raised by any method (EPIPE above all) ends tracing quietly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dscript.program import DropKind

Snapshot = Callable[[], None]


class AggregationTotals(Protocol):
    """The user-space totals of one aggregation (`dscript.aggregates.AggregationState`)."""

    def merge(self, key: bytes, words: Sequence[int]) -> None:
        """Add one drained entry.

        `words` are those of `program.Aggregation`, already combined over CPUs, as Python
        ints: sums of signed 64-bit words; for min/max [n, extreme] with n > 0; for stddev
        [n, total, low, high] where low and high are the unsigned halves of the 128-bit sum.
        Combined values may exceed 64 bits; wrapping is the receiver's choice.
        """


class Sink(Protocol):
    """Receives everything a run produces, in the order it is consumed."""

    @property
    def aggregations(self) -> Sequence[AggregationTotals]:
        """One state for each of `CompiledProgram.aggregations`, at the index of its `id`."""

    @property
    def exit_status(self) -> int | None:
        """Argument of the first exit() record consumed, None before one."""

    def attach(self, snapshot: Snapshot) -> None:
        """Called once before the first record."""

    def record(
        self,
        clause: int,
        probe: int,
        cpu: int,
        tid: int,
        spec: int,
        flags: int,
        data: memoryview,
        offset: int,
    ) -> None:
        """One record of a clause.

        The first six are the words of `RecordHeader`.  `data[offset]` is the first byte of
        the record, that is of its header: the fields start at `offset + RecordHeader.SIZE`.
        `data` is the kernel's ring: copy what must outlive the call.
        """

    def error(
        self, probe: int, cpu: int, clause: int, action: int, fault: int, dif: int, address: int
    ) -> None:
        """A clause of `probe` failed; the last five are the words of `ErrorRecord`."""

    def drop(self, kind: DropKind, count: int, cpu: int) -> None:
        """`count` more (> 0) firings or values of this kind were lost on `cpu`."""

    def missed(self, program: str, count: int) -> None:
        """The kernel skipped `count` more runs of a BPF program (it was already running)."""

    def cut_stacks(self, count: int, why: str, pid: int, address: int) -> None:
        """`count` user stacks end early; the first was process `pid`'s, at an address."""

    def code_files(self, pid: int) -> Sequence[str]:
        """Paths of the files that a process, which may have ended, has had code of."""

    def notice(self, message: str) -> None:
        """One line about the run, e.g. "pid 12 has exited" (silent in quiet mode)."""

    def idle(self) -> None:
        """All records at hand are consumed: flush what is buffered."""

    def interrupted(self) -> None:
        """A signal ends tracing; what follows are the last records, END and the totals."""

    def finish(self) -> None:
        """Tracing is over, totals are complete: print what is still to be printed."""


class View(Protocol):
    """Looks at the aggregations beside the sink: a picture, a live table.

    `interval` is how often it wants to, in seconds, 0 for at the end only.
    """

    @property
    def interval(self) -> float: ...

    def start(self) -> None:
        """The probes fire from now on; not called when BEGIN ended tracing."""

    def refresh(self) -> None:
        """Called every `interval`: the totals hold what happened up to now."""

    def finish(self) -> None:
        """Tracing is over, totals are complete and all is printed."""
