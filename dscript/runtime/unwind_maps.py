"""The maps that user stacks are unwound by: tables of files, and what processes have mapped.

Formats and names are those of `dscript.kernel.unwind_rows`.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from dscript.kernel import unwind_rows as rows
from dscript.runtime import bpf

if TYPE_CHECKING:
    from dscript.runtime.libbpf import BpfObject, Map

_F_MMAPABLE, _F_INNER_MAP = 1 << 10, 1 << 12
# Rows of all tables together: 128 MiB.
_MOST_ROWS: Final = 16 << 20
LONGEST_LIST: Final = (1 << rows.RANGE_STEPS) - 1
# A list that is no longer used may still be read by a program that runs, this long (seconds).
_SETTLED: Final = 0.1
_SMALLEST_RUN: Final = 8
# Lists that only children of a process that has ended may still use.
_MOST_ORPHANS: Final = 512


# As `rows.FILE_KEY` has it: inode number, size in bytes, time of the last change (ns).
FileKey = tuple[int, int, int]


@contextmanager
def prepared(object: BpfObject) -> Iterator[None]:
    """While an object that unwinds is loaded: it hears what its tables look like."""
    fd = _table_map(1)
    try:
        object.set_inner_map(rows.TABLES, fd)
        yield
    finally:
        os.close(fd)


def _table_map(count: int) -> int:
    flags = _F_MMAPABLE | _F_INNER_MAP
    return bpf.map_create(bpf.MAP_TYPE_ARRAY, 4, 8, count, flags=flags, name="unwind_rows")


class Tables:
    """The tables of files.  Number 0 stands for none, 1 for the vDSO."""

    def __init__(self, tables: Map, files: Map, vdso: bytes) -> None:
        self._tables = tables
        self._files = files
        self._count = 0
        self.rows = 0  # of all tables
        self._pending: list[tuple[int, int]] = []  # number, descriptor
        self.full = False  # a table was left out
        if self.add(vdso) != rows.VDSO_TABLE:
            self._count = rows.VDSO_TABLE

    def add(self, table: bytes) -> int:
        """Take in a table; programs see it after `publish`.  0 when it is empty or too much."""
        count = len(table) // 8
        if count <= 1:
            return 0
        if self._count + 1 >= rows.MAX_TABLES or self.rows + count > _MOST_ROWS:
            self.full = True
            return 0
        try:
            fd = _table_map(count)
        except bpf.KernelError:  # no memory, as far as this control group may have it
            self.full = True
            return 0
        with mmap.mmap(fd, -(-len(table) // mmap.PAGESIZE) * mmap.PAGESIZE) as memory:
            memory[: len(table)] = table
        self._count += 1
        self.rows += count
        self._pending.append((self._count, fd))
        return self._count

    def publish(self) -> None:
        """Make what was added visible; to be called last.

        Programs see the tables at once, but the kernel waits for all that run before it
        returns, which takes some milliseconds.  What names a table may come before it.
        """
        if not self._pending:
            return
        numbers = struct.pack(f"<{len(self._pending)}I", *(n for n, _ in self._pending))
        fds = struct.pack(f"<{len(self._pending)}I", *(fd for _, fd in self._pending))
        try:
            bpf.map_update_batch(self._tables.fd, numbers, fds, len(self._pending))
        except bpf.KernelError:
            self.full = True
        finally:
            for _, fd in self._pending:
                os.close(fd)
            self._pending.clear()

    def name_file(self, file: FileKey, number: int) -> None:
        """From now on the kernel finds the file's table by itself; 0: there is none."""
        key, value = struct.pack(rows.FILE_KEY, *file), struct.pack("<Q", number)
        try:
            bpf.map_update(self._files.fd, key, value)
        except bpf.KernelError:
            self.full = True


class Range(NamedTuple):
    """A mapping of a process: addresses, offset in the file in pages, table."""

    start: int
    end: int
    page: int
    table: int


class _Run(NamedTuple):
    first: int
    room: int


class Lists:
    """What each process has mapped, as BPF programs read it."""

    def __init__(self, spaces: Map, ranges: Map) -> None:
        self._spaces = spaces
        size = -(-rows.MAX_RANGES * struct.calcsize(rows.RANGE) // mmap.PAGESIZE) * mmap.PAGESIZE
        self._memory = mmap.mmap(ranges.fd, size)
        self._top = 0
        self._free: dict[int, list[int]] = {}
        self._leaving: list[tuple[float, _Run]] = []
        self._runs: dict[tuple[int, int], _Run] = {}  # (identity, process)
        self._first: dict[int, tuple[int, int]] = {}  # identity → whose run stands for all
        self._orphans: dict[int, None] = {}
        self.full = False

    def set(self, pid: int, identity: int, ranges: Sequence[Range]) -> None:
        """The list of a process, in order of address, in place of what it had."""
        key = (identity, pid)
        run = self._allocate(len(ranges))
        if run is None:
            self.full = True
            return
        form = struct.Struct(rows.RANGE)
        for at, mapped in enumerate(ranges):
            form.pack_into(self._memory, (run.first + at) * form.size, *mapped)
        old = self._runs.get(key)
        self._runs[key] = run
        value = struct.pack(rows.SPACE, run.first, len(ranges))
        try:
            bpf.map_update(self._spaces.fd, struct.pack(rows.SPACE_KEY, *key), value)
            # Children that were forked from it have its identity and, at first, its mappings.
            if self._first.setdefault(identity, key) == key:
                bpf.map_update(self._spaces.fd, struct.pack(rows.SPACE_KEY, identity, 0), value)
        except bpf.KernelError:
            self.full = True
        if old is not None:
            self._leave(old)

    def ended(self, pid: int, identity: int) -> None:
        """A process has ended, or runs another program."""
        key = (identity, pid)
        if key not in self._runs:
            return
        bpf.map_delete(self._spaces.fd, struct.pack(rows.SPACE_KEY, *key))
        if self._first.get(identity) == key:
            self._orphans[identity] = None
            while len(self._orphans) > _MOST_ORPHANS:
                self._forget_orphan()
        else:
            self._leave(self._runs.pop(key))

    def _forget_orphan(self) -> None:
        identity = next(iter(self._orphans))
        del self._orphans[identity]
        bpf.map_delete(self._spaces.fd, struct.pack(rows.SPACE_KEY, identity, 0))
        self._leave(self._runs.pop(self._first.pop(identity)))

    def _allocate(self, count: int) -> _Run | None:
        """Room for a list, of a power of two: that of one no longer used, else new."""
        if count > LONGEST_LIST:
            return None
        room = max(_SMALLEST_RUN, 1 << max(count - 1, 0).bit_length())
        self._settle()
        while True:
            free = self._free.get(room)
            if free:
                return _Run(free.pop(), room)
            if self._top + room <= rows.MAX_RANGES:
                self._top += room
                return _Run(self._top - room, room)
            if not self._orphans:
                return None
            self._forget_orphan()
            time.sleep(_SETTLED)
            self._settle()

    def _leave(self, run: _Run) -> None:
        self._leaving.append((time.monotonic() + _SETTLED, run))

    def _settle(self) -> None:
        now = time.monotonic()
        while self._leaving and self._leaving[0][0] < now:
            _, run = self._leaving.pop(0)
            self._free.setdefault(run.room, []).append(run.first)

    def close(self) -> None:
        self._memory.close()
