"""A sink that remembers, totals that add, and child processes that make countable calls."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bpf_objects import MAGIC

from dscript.program import (
    Aggregation,
    Attachment,
    ClauseRecord,
    CompiledProgram,
    DropKind,
    Probe,
    RecordHeader,
)


class Totals:
    """Sums per key: `sums[key]` is the list of words added up."""

    def __init__(self) -> None:
        self.sums: dict[bytes, list[int]] = {}

    def merge(self, key: bytes, words: Sequence[int]) -> None:
        old = self.sums.get(key)
        before = old or [0] * len(words)
        self.sums[key] = [a + b for a, b in zip(before, words, strict=True)]


class RememberingSink:
    """Keeps every call; `on_record(sink, clause, value)` may act as a printer would."""

    def __init__(
        self,
        aggregations: int = 0,
        on_record: Callable[[RememberingSink, int, int], None] | None = None,
    ) -> None:
        self.aggregations = [Totals() for _ in range(aggregations)]
        self.exit_status: int | None = None
        self.records: list[tuple[int, int, int]] = []  # clause, probe, u64 value
        self.errors: list[tuple[int, ...]] = []
        self.drops: dict[DropKind, int] = {}
        self.misses = 0
        self.notices: list[str] = []
        self.finished = 0
        self.interruptions = 0
        self._on_record = on_record

    def attach(self, snapshot: Callable[[], None]) -> None:
        self.snapshot = snapshot

    def record(self, clause, probe, cpu, tid, spec, flags, data, offset) -> None:
        (value,) = struct.unpack_from("<Q", data, offset + RecordHeader.SIZE)
        self.records.append((clause, probe, value))
        if self._on_record is not None:
            self._on_record(self, clause, value)

    def error(self, *words: int) -> None:
        self.errors.append(words)

    def drop(self, kind: DropKind, count: int, cpu: int) -> None:
        assert count > 0
        self.drops[kind] = self.drops.get(kind, 0) + count

    def missed(self, program: str, count: int) -> None:
        self.misses += count

    def notice(self, message: str) -> None:
        self.notices.append(message)

    def idle(self) -> None:
        pass

    def interrupted(self) -> None:
        self.interruptions += 1

    def finish(self) -> None:
        self.finished += 1


def program(
    data: bytes,
    *attachments: Attachment,
    aggregations: tuple[Aggregation, ...] = (),
    load_words: tuple = (),
) -> CompiledProgram:
    return CompiledProgram(
        object=data,
        probes={7: Probe(7, "syscall", "", "magic", "entry")},
        clauses=(ClauseRecord(32, (), True, 1),),
        attachments=attachments,
        aggregations=aggregations,
        load_words=load_words,
    )


def magic_calls(count: int, number: int = MAGIC) -> None:
    """Make a system call `count` times from this process."""
    syscall = ctypes.CDLL(None).syscall
    for _ in range(count):
        syscall(number)


@contextmanager
def children(number: int, work: Callable[[int], None]) -> Iterator[list[int]]:
    """Run `work(index)` in forked processes; waits for their success at the end."""
    pids = []
    for index in range(number):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(index)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    try:
        yield pids
    finally:
        statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    assert statuses == [0] * number


@contextmanager
def interrupting(seconds: float, number: int = signal.SIGINT, times: int = 1) -> Iterator[None]:
    """Send this process a signal later, unless the body ends earlier."""
    timer = threading.Timer(seconds, lambda: [os.kill(os.getpid(), number) for _ in range(times)])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
