"""The kernel's own account of what processes map: perf's records of mmap, fork, exec, exit.

Layouts are those of include/uapi/linux/perf_event.h (struct perf_event_attr, enum
perf_event_type).  One event without samples a CPU; the records lie in a ring that is read
when names are wanted, and now and then in between.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from dscript.kernel.processes import all_processes
from dscript.kernel.topology import cpu_list
from dscript.symbols.mappings import Mapping, Spaces, read_mappings

_MACHINE: Final = os.uname().machine
_NR_PERF_EVENT_OPEN: Final = 298 if _MACHINE == "x86_64" else 241
_CLOEXEC: Final = 8
_TYPE_SOFTWARE, _COUNT_DUMMY, _SAMPLE_TIME = 1, 9, 4
_ATTR_SIZE: Final = 128  # PERF_ATTR_SIZE_VER7
# Bits of the attribute's flags: mmap, comm, task, sample_id_all, mmap2, comm_exec, use_clockid,
# build_id.
_FLAGS: Final = 1 << 8 | 1 << 9 | 1 << 13 | 1 << 18 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 34
_CLOCK_AT: Final = 92  # of the attribute's clockid
_LOST, _COMM, _EXIT, _FORK, _MMAP2 = 2, 3, 4, 7, 10
_MISC_COMM_EXEC, _MISC_BUILD_ID = 1 << 13, 1 << 14
# Offsets of data_head and data_tail in struct perf_event_mmap_page.
_HEAD, _TAIL = 1024, 1032
_PAGE: Final = mmap.PAGESIZE
# Pages of a ring: the first that the limits allow, and no more than 32 MiB for all CPUs.  A
# process that starts leaves 1.5 KiB of records, and a busy machine lets the reader wait.
_ALL_PAGES: Final = 8192
_LARGE: Final = [n for n in (1024, 256) if n * (os.cpu_count() or 1) <= _ALL_PAGES]
_SIZES: Final = (*_LARGE, 64, 16)
# More processes than this are not looked at before anything asks for them.
_MANY_PROCESSES: Final = 1000


class Sideband:
    """Keeps `spaces` up to date.  Raises OSError when made where perf events are refused."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._rings: list[_Ring] = []
        self._later: list[tuple[int, int, int, bytes]] = []
        try:
            for cpu in cpu_list("online"):
                self._rings.append(_Ring(cpu))
        except OSError:
            self.close()
            raise
        running = all_processes()
        if len(running) <= _MANY_PROCESSES:
            for pid in running:
                self.seed(pid)

    def seed(self, pid: int) -> None:
        """Take in what a process has mapped by now, if it is not known."""
        if not self._spaces.knows(pid) and (mappings := read_mappings(pid)):
            self._spaces.seed(pid, mappings)

    def update(self) -> None:
        """Take in what has happened since, in the order of its happening.

        A process that moves to another CPU writes to another ring.  What is written while the
        rings are read one by one waits for the next call, so that nothing overtakes what came
        before it in a ring that had been read already.
        """
        now = time.monotonic_ns()
        records = self._later + [record for ring in self._rings for record in ring.read()]
        records.sort(key=lambda record: record[0])
        ready = bisect_right(records, now, key=lambda record: record[0])
        self._later = records[ready:]
        for _, kind, misc, body in records[:ready]:
            self._apply(kind, misc, body)

    def _apply(self, kind: int, misc: int, body: bytes) -> None:
        pid, second = struct.unpack_from("<II", body)
        spaces = self._spaces
        if kind == _LOST:
            spaces.missed()
            return
        if kind == _MMAP2:
            spaces.mapped(pid, _mapping(misc, body))
        elif kind == _COMM and misc & _MISC_COMM_EXEC:
            spaces.executed(pid)
        elif kind in (_FORK, _EXIT):
            # Threads come with their process's ID first; its own is the thread's number too.
            thread = struct.unpack_from("<I", body, 8)[0]
            if pid == thread and kind == _FORK:
                spaces.forked(pid, second)
            elif pid == thread:
                spaces.ended(pid)

    def close(self) -> None:
        for ring in self._rings:
            ring.close()
        self._rings.clear()


def _mapping(misc: int, body: bytes) -> Mapping:
    start, length, offset = struct.unpack_from("<QQQ", body, 8)
    build_id = ""
    if misc & _MISC_BUILD_ID:
        build_id = body[36 : 36 + min(body[32], 20)].hex()
    path = body[64 : body.index(b"\0", 64)]
    return Mapping(start, start + length, offset, os.fsdecode(path), build_id)


class _Ring:
    """The records of one CPU."""

    def __init__(self, cpu: int) -> None:
        attr = bytearray(_ATTR_SIZE)
        struct.pack_into(
            "<IIQQQQQI", attr, 0,
            _TYPE_SOFTWARE, _ATTR_SIZE, _COUNT_DUMMY, 0, _SAMPLE_TIME, 0, _FLAGS, 1,
        )  # fmt: skip
        struct.pack_into("<i", attr, _CLOCK_AT, time.CLOCK_MONOTONIC)
        self._fd = _perf_event_open(bytes(attr), cpu)
        try:
            self._map, self._size = _mapped(self._fd)
        except OSError:
            os.close(self._fd)
            raise

    def read(self) -> Iterator[tuple[int, int, int, bytes]]:
        """(time, type, misc, body) of the records since the last call."""
        head = struct.unpack_from("<Q", self._map, _HEAD)[0]
        tail = struct.unpack_from("<Q", self._map, _TAIL)[0]
        while tail < head:
            kind, misc, size = struct.unpack("<IHH", self._bytes(tail, 8))
            body = self._bytes(tail + 8, size - 8)
            # sample_id_all: the time ends every record.
            yield struct.unpack_from("<Q", body, len(body) - 8)[0], kind, misc, body
            tail += size
        struct.pack_into("<Q", self._map, _TAIL, tail)

    def _bytes(self, position: int, count: int) -> bytes:
        start = position % self._size
        first = self._map[_PAGE + start : _PAGE + min(start + count, self._size)]
        rest = count - len(first)
        return first + self._map[_PAGE : _PAGE + rest] if rest else first

    def close(self) -> None:
        self._map.close()
        os.close(self._fd)


def _mapped(fd: int) -> tuple[mmap.mmap, int]:
    for pages in _SIZES[:-1]:
        with suppress(OSError):
            return mmap.mmap(fd, _PAGE * (1 + pages)), pages * _PAGE
    return mmap.mmap(fd, _PAGE * (1 + _SIZES[-1])), _SIZES[-1] * _PAGE


def _perf_event_open(attr: bytes, cpu: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attr, len(attr))
    fd: int = libc.syscall(_NR_PERF_EVENT_OPEN, buffer, -1, cpu, -1, _CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "perf_event_open")
    return fd
