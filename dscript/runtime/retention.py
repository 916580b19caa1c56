"""Buffer policies other than `switch`: records that are kept until tracing ends.

Manual, chapter "Buffers and Buffering".  Under `fill` the records stay in the ring buffer,
and the first one for which there is no room ends tracing; nothing is needed here but a
`Session` that does not read.  Under `ring` the newest records of every CPU win: the kernel's
ring buffer cannot overwrite, so the oldest are thrown away on this side of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from dscript.program import ClauseRecord
from dscript.runtime.ring import RecordHandler

Policy = Literal["switch", "fill", "ring"]

# Head of a record in the ring buffer, counted as part of it.
_HEAD: Final = 8


class Buffering(NamedTuple):
    """Options bufpolicy, bufsize (bytes, as `room`) and cpu (None: all)."""

    policy: Policy = "switch"
    room: int = 4 << 20
    cpu: int | None = None


class LastRecords:
    """The newest records of every CPU, `room` bytes for each, replayed in order."""

    def __init__(self, clauses: Sequence[ClauseRecord], room: int) -> None:
        self._sizes = [clause.size for clause in clauses]
        self._room = room
        self._kept: dict[int, deque[tuple[int, tuple[int, ...], bytes]]] = {}
        self._used: dict[int, int] = {}
        self._count = 0

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
        """Keep one record, as `Sink.record` gets it; the oldest ones make room."""
        kept = self._kept.setdefault(cpu, deque())
        body = bytes(data[offset : offset + self._sizes[clause]])
        used = self._used.get(cpu, 0) + _HEAD + len(body)
        kept.append((self._count, (clause, probe, cpu, tid, spec, flags), body))
        self._count += 1
        while used > self._room and len(kept) > 1:
            used -= _HEAD + len(kept.popleft()[2])
        self._used[cpu] = used

    def replay(self, record: RecordHandler) -> None:
        """Hand on what is left, oldest first, and forget it."""
        waiting = sorted(entry for kept in self._kept.values() for entry in kept)
        self._kept.clear()
        self._used.clear()
        for _, head, body in waiting:
            clause, probe, cpu, tid, spec, flags = head
            record(clause, probe, cpu, tid, spec, flags, memoryview(body), 0)
