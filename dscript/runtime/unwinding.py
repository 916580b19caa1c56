"""User space's part of unwinding user stacks: whose tables are wanted, and loading them.

Targets get theirs before they are let go, and what runs already as far as time and memory
allow (`unwind_ahead`).  Of other processes the BPF programs tell when they
take a stack that they lack something for; what is loaded then serves the stacks after it.
Tables of big files are built by a process of their own, so that records are read meanwhile.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from dscript import progress
from dscript.kernel import processes, unwind_tables
from dscript.kernel import unwind_rows as rows
from dscript.kernel.elf_headers import NoElf
from dscript.kernel.unwind_rows import Stop
from dscript.runtime import bpf
from dscript.runtime.ring import Ring
from dscript.runtime.unwind_ahead import Ahead
from dscript.runtime.unwind_builds import Builders
from dscript.runtime.unwind_maps import LONGEST_LIST, FileKey, Lists, Range, Tables

if TYPE_CHECKING:
    from dscript.runtime.libbpf import Map

# Files beyond this many bytes are left to a process of their own, and while records are waiting
# all but what can be done in this time (seconds).
_BIG: Final = 512 << 10
_SHORT_WORK: Final = 0.02
# How long the start waits for the tables of targets, in seconds.
_PATIENCE: Final = 10.0
# How long it works on the tables of what else runs, and for how long that work is gone on with
# between records, in seconds; rows of these (32 MiB), and the biggest file in bytes of
# which a table is made before a stack asks for it.
_AHEAD, _AHEAD_AT_ONCE = 0.1, 0.002
_AHEAD_ROWS: Final = 4 << 20
_AHEAD_SIZE: Final = 4 << 20
_SWEEP: Final = 2.0
# A process whose mappings have not changed since it asked may ask again after this long, and
# each time after twice that, in seconds.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 30.0
# A process that has changed its mappings this often (JIT) may ask only so often, in seconds.
_RAPID_CHANGES, _CHANGING_PAUSE = 16, 0.1

_REASONS: Final = {
    Stop.UNREADABLE: "where their memory cannot be read",
    Stop.NO_FRAME: "in code that has neither unwind tables nor frame pointers",
    Stop.DAMAGED: "where the frames are not in order",
    Stop.REGISTERS: "in code whose tables count from registers that are not followed",
    Stop.LATE: "early or lack frames: the unwind tables of their code were still to be made",
}


# Device of a file, and `FileKey`.
_Key = tuple[int, int, int, int]


class _Process(NamedTuple):
    """A process whose list the programs have."""

    identity: int
    mappings: tuple[processes.ProcessMapping, ...]
    changes: int  # how often its mappings were found changed
    paused: float  # seconds for which it was last kept from asking


class _Job:
    """A table that is being built: the files it is for, and the processes that want it."""

    __slots__ = ("files", "keys", "wanted")

    def __init__(self) -> None:
        self.files: set[FileKey] = set()
        self.keys: set[_Key] = set()
        self.wanted: set[int] = set()


class Unwinder:
    """Keeps the maps of an object that unwinds.  `fileno` polls readable when `serve` has work."""

    def __init__(self, find_map: Callable[[str], Map]) -> None:
        self._tables = Tables(find_map(rows.TABLES), find_map(rows.FILES), unwind_tables.vdso())
        self._lists = Lists(find_map(rows.SPACES), find_map(rows.RANGES))
        requests = find_map(rows.REQUESTS)
        self._ring = Ring(requests.fd, requests.max_entries)
        self._asked = find_map(rows.ASKED)
        self._stops = find_map(rows.STOPS)
        self._files: dict[_Key, int] = {}  # table of each file
        self._named: dict[str, int] = {}  # name in the cache → table
        self._known: dict[int, _Process] = {}
        self._jobs: dict[str, _Job] = {}  # by name in the cache
        self._pending: dict[_Key, _Job] = {}
        self._work_until = 0.0
        self._files_of: Callable[[int], Iterable[str]] | None = None
        self._ahead: Ahead | None = None
        self._next_sweep = time.monotonic() + _SWEEP
        self._epoll = select.epoll()
        self._epoll.register(self._ring.fileno(), select.EPOLLIN)
        self._builders = Builders(self._epoll)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def start(
        self, pids: Iterable[int], files_of: Callable[[int], Iterable[str]] | None = None
    ) -> None:
        """Load what targets need, before they are let go.

        `files_of` tells the files of processes that have ended before they were looked at.
        """
        self._files_of = files_of
        self._work_until = time.monotonic() + _PATIENCE
        for pid in pids:
            for path in _libraries(pid):
                self._table(pid, path)
            self._take_process(pid)
        self._tables.publish()
        deadline = time.monotonic() + _PATIENCE
        while self._builders.busy and time.monotonic() < deadline:
            progress.report("making unwind tables")
            self._epoll.poll(0.1)
            self._collect()
        progress.finish()

    def start_ahead(self, *, alone: bool) -> None:
        """Load what runs already needs; tracing waits a moment for it.

        `alone` says that it is what is traced, beside no targets: then tables that are not in
        the cache are made, those of small files in that moment.
        """
        biggest = _AHEAD_SIZE if alone else 0

        def load(pid: int, path: str) -> bool:
            self._table(pid, path, biggest)
            return self._tables.rows < _AHEAD_ROWS

        self._work_until = time.monotonic() + 10 * _AHEAD if alone else 0.0
        self._ahead = Ahead(load)
        self._go_ahead(_AHEAD)

    def _go_ahead(self, seconds: float) -> None:
        if self._ahead is not None:
            self._ahead.go_on(seconds)
            self._tables.publish()
            if self._ahead.done:
                self._ahead = None

    def serve(self) -> bool:
        """Take in requests and finished tables, and look after processes that have ended.

        True if there is more to do at once.
        """
        if self._ring.pending:
            self._work_until = time.monotonic() + _SHORT_WORK
            wanted: list[tuple[int, ...]] = []

            def receive(*words: object) -> None:
                data, start = words[6], words[7]
                wanted.append(struct.unpack_from(rows.REQUEST, data, start))  # type: ignore[arg-type]

            self._ring.consume(receive, _ignore)
            for pid, identity in dict.fromkeys(request[:2] for request in wanted):
                self._take_process(pid, identity)
            for pid, _, pc, *file in wanted:
                if file[0]:
                    self._name_file(pid, pc, (file[0], file[1], file[2]))
            self._tables.publish()
        if self._builders.busy:
            self._collect()
        if time.monotonic() > self._next_sweep:
            self._sweep()
        self._go_ahead(_AHEAD_AT_ONCE)
        return self._ahead is not None

    def cut_stacks(self) -> list[tuple[int, str, int, int]]:
        """Stacks that end early: how many, why, and process and address of the first."""
        found = []
        for reason, text in _REASONS.items():
            count, pid, address = self._stopped(reason)
            if count:
                found.append((count, text, pid, address))
        return found

    @property
    def full(self) -> bool:
        """Whether there was no room for what some processes need."""
        return self._tables.full or self._lists.full

    def close(self) -> None:
        self._builders.close()
        self._epoll.close()
        self._ring.close()
        self._lists.close()

    # -- processes

    def _take_process(self, pid: int, asking: int = 0) -> None:
        """Read what a process has mapped and tell the programs.

        `asking` is the identity it asked with, 0 if it did not.
        """
        known = self._known.get(pid)
        try:
            identity = _identity(pid)
            mappings = tuple(processes.code_mappings(pid))
            if not mappings or _identity(pid) != identity:
                return
        except (OSError, ValueError, IndexError):  # gone, or not ours to look at
            self._silence(pid ^ asking, _LONGEST_PAUSE)
            for path in self._files_of(pid) if self._files_of is not None else ():
                self._table(pid, path)
            return
        if known is not None and (known.identity, known.mappings) == (identity, mappings):
            self._pause(pid, known)
            return
        if known is not None and known.identity != identity:
            self._lists.ended(pid, known.identity)
        changes = 1 + (known.changes if known is not None and known.identity == identity else 0)
        self._known[pid] = _Process(identity, mappings, changes, 0.0)
        self._publish_list(pid)
        if changes > _RAPID_CHANGES:
            self._silence(pid ^ identity, _CHANGING_PAUSE)

    def _publish_list(self, pid: int) -> None:
        process = self._known[pid]
        shared = processes.shares_files(pid)
        ranges = [
            Range(m.start, m.end, m.offset >> 12, self._table_of(pid, m, shared))
            for m in process.mappings
        ]
        if len(ranges) > LONGEST_LIST:  # of code made at run time; the kernel may tell it
            ranges = [mapped for mapped in ranges if mapped.table]
        self._lists.set(pid, process.identity, ranges)

    def _table_of(self, pid: int, mapping: processes.ProcessMapping, shared: bool) -> int:
        if mapping.path == processes.VDSO:
            return rows.VDSO_TABLE
        if not mapping.inode:
            return 0
        return self._table(pid, processes.reachable(pid, mapping, shared)[0])

    def _pause(self, pid: int, process: _Process) -> None:
        """Keep a process from asking for a while: it runs code of which nothing is to be had."""
        pause = min(max(_SHORTEST_PAUSE, 2 * process.paused), _LONGEST_PAUSE)
        self._known[pid] = process._replace(paused=pause)
        self._silence(pid ^ process.identity, pause)

    def _silence(self, key: int, pause: float) -> None:
        until = time.monotonic_ns() + int(pause * 1e9)
        with suppress(bpf.KernelError):
            bpf.map_update(self._asked.fd, struct.pack("<Q", key), struct.pack("<Q", until))

    def _name_file(self, pid: int, pc: int, file: FileKey) -> None:
        """The kernel knows a file by other numbers than stat(2), as on overlay file systems."""
        process = self._known.get(pid)
        for mapping in process.mappings if process is not None else ():
            if mapping.start <= pc < mapping.end:
                path = processes.reachable(pid, mapping)[0]
                number = self._table(pid, path)
                with suppress(OSError):
                    job = self._pending.get(_identify(os.stat(path)))
                    if job is not None:
                        job.files.add(file)
                    else:
                        self._tables.name_file(file, number)

    def _sweep(self) -> None:
        """Forget processes that have ended."""
        self._next_sweep = time.monotonic() + _SWEEP
        for pid in [pid for pid in self._known if not os.path.exists(f"/proc/{pid}")]:
            self._lists.ended(pid, self._known.pop(pid).identity)

    # -- tables

    def _table(self, pid: int, path: str, biggest: int | None = None) -> int:
        """Number of a file's table: 0 if it has none, `rows.PENDING` while it is made.

        Of files of more bytes than `biggest` none is made.
        """
        try:
            stat = os.stat(path)
        except OSError:
            return 0
        key = _identify(stat)
        job = self._pending.get(key)
        if job is not None:
            job.wanted.add(pid)
            return rows.PENDING
        number = self._files.get(key)
        if number is None:
            number = self._load(pid, path, key, biggest)
        return number

    def _load(self, pid: int, path: str, key: _Key, biggest: int | None) -> int:
        try:
            name = unwind_tables.name_of(path)
        except (OSError, ValueError, NoElf):
            name = ""
        number = self._named.get(name) if name else 0
        if number is None:
            table = unwind_tables.cached(name)
            if table is None and biggest is not None and key[2] > biggest:
                return 0
            late = time.monotonic() > self._work_until
            if table is None and (late or key[2] > _BIG or name in self._jobs):
                self._build(pid, path, name, key)
                return rows.PENDING
            number = self._named[name] = self._tables.add(
                unwind_tables.make(path, name) if table is None else table
            )
        self._files[key] = number
        self._tables.name_file(key[1:], number)
        return number

    def _build(self, pid: int, path: str, name: str, key: _Key) -> None:
        job = self._jobs.get(name)
        if job is None:
            job = self._jobs[name] = _Job()
            self._builders.add(path, name, key[2])
        job.files.add(key[1:])
        job.keys.add(key)
        job.wanted.add(pid)
        self._pending[key] = job

    def _collect(self) -> None:
        """Take in tables that were built, for the processes that have the files mapped."""
        for name, table in self._builders.finished():
            job = self._jobs.pop(name)
            number = self._named[name] = self._tables.add(table)
            for key in job.keys:
                del self._pending[key]
                self._files[key] = number
            for file in job.files:
                self._tables.name_file(file, number)
            for pid in job.wanted & self._known.keys():
                self._publish_list(pid)
        self._tables.publish()

    # -- what did not work

    def _stopped(self, reason: Stop) -> tuple[int, int, int]:
        """How many stacks ended for a reason; process and address of the first on some CPU."""
        data = bpf.map_lookup(self._stops.fd, struct.pack("<I", reason), 24 * bpf.possible_cpus())
        entries = [entry for entry in struct.iter_unpack(rows.STOPPED, data or b"") if entry[0]]
        if not entries:
            return 0, 0, 0
        return sum(entry[0] for entry in entries), entries[0][1], entries[0][2]


def _identify(stat: os.stat_result) -> _Key:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _identity(pid: int) -> int:
    """Of a process's memory; ValueError where it is not to be told."""
    fields = processes.stat_fields(pid)
    # Fields 27 and 28 of proc(5), of which the first here is the third.
    end_code, start_stack = int(fields[24]), int(fields[25])
    if not start_stack:
        raise ValueError
    return rows.identity(start_stack, end_code)


def _ignore(*_words: int) -> None:
    return


def _libraries(pid: int) -> list[str]:
    """The libraries that a program which has just been started is going to load.

    Its own dynamic linker tells (ld.so(8), --list); none for a program without one, or when
    it has them already.
    """
    try:
        mapped = processes.mapped_files(pid)
    except OSError:
        return []
    if len(mapped) != 2 or not mapped[0].is_program or not mapped[1].name.startswith("ld-linux"):
        return []
    import subprocess

    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [mapped[1].file, "--list", mapped[0].file],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False,
        )  # fmt: skip
        words = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
        return [line[2] for line in words if len(line) > 2 and line[1] == "=>"]
    return []
