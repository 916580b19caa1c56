"""Symbols of processes that run: by what each has mapped now, and the files behind it.

bcc's symbol cache would do the same, but of a process that ends meanwhile it closes descriptors
that are not its own (0.26), and it writes warnings between what is printed.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from dscript.kernel.processes import (
    VDSO,
    code_mappings,
    own_number,
    reachable,
    shares_files,
    start_time,
)
from dscript.symbols import files
from dscript.symbols.mappings import Mapping, Space, as_mapping
from dscript.symbols.types import Symbol

_MOST_PROCESSES = 64
_MOST_ADDRESSES = 100_000
# How long a process is taken to be the one that it was, with the same mappings: reading those
# takes 0.1 ms.
_FRESH_NS = 20_000_000


class _Process:
    """What a process has mapped, what opens the files, and the addresses that were found.

    `start` tells the process from another one of the same number; at `checked` (ns of the
    monotonic clock) it was last looked at, and ran or not.
    """

    __slots__ = (
        "_paths", "_perf_map", "_shares_files", "_space", "alive", "checked", "found", "start",
    )  # fmt: skip

    def __init__(self, pid: int, start: int) -> None:
        self.start = start
        self.alive, self.checked = True, 0
        self.found: dict[int, Symbol | None] = {}
        self._space = Space()
        self._paths: dict[Mapping, str] = {}
        self._shares_files = shares_files(pid)
        root = "" if self._shares_files else f"/proc/{pid}/root"
        self._perf_map = files.perf_map_of(own_number(pid), root)

    def look(self, pid: int) -> None:
        """Read what it has mapped; one that is ending has nothing any more, and keeps it."""
        try:
            found = list(code_mappings(pid))
        except OSError:
            return
        mapped = [as_mapping(mapping) for mapping in found]
        if not mapped or mapped == self._space.mappings:
            return
        self._space = Space(mapped)
        paths = ("" if m.path == VDSO else reachable(pid, m, self._shares_files)[0] for m in found)
        self._paths = dict(zip(mapped, paths, strict=True))
        self.found.clear()

    def symbol(self, pid: int, address: int) -> Symbol | None:
        mapping = self._space.find(address)
        if mapping is None:
            return None
        return files.symbol(pid, mapping, address, self._paths[mapping], self._perf_map)


class UserSymbols:
    """What was found of the processes that were last asked for."""

    def __init__(
        self, *, processes: int = _MOST_PROCESSES, addresses: int = _MOST_ADDRESSES
    ) -> None:
        """At most so many processes, and addresses of them all, are remembered."""
        self._processes: OrderedDict[int, _Process] = OrderedDict()
        self._most_processes, self._most_addresses = processes, addresses

    def holds(self, pid: int) -> bool:
        """Whether a process runs."""
        known = self._processes.get(pid)
        if known is not None and time.monotonic_ns() - known.checked < _FRESH_NS:
            return known.alive
        return start_time(pid) != 0

    def lookup(self, pid: int, address: int) -> Symbol | None:
        """Symbol of an address in a process; None when process or mapping are unknown."""
        process = self._process(pid)
        if process is None:
            return None
        try:
            return process.found[address]
        except KeyError:
            symbol = process.symbol(pid, address)
            if sum(len(each.found) for each in self._processes.values()) >= self._most_addresses:
                for each in self._processes.values():
                    each.found.clear()
            process.found[address] = symbol
            return symbol

    def _process(self, pid: int) -> _Process | None:
        """What is known of a process; None when it is gone and was never seen."""
        known = self._processes.get(pid)
        if known is not None and time.monotonic_ns() - known.checked < _FRESH_NS:
            return known
        start = start_time(pid)
        if known is None or start not in (0, known.start):
            # The number may belong to another process now.
            self._processes.pop(pid, None)
            if not start:
                return None
            while len(self._processes) >= self._most_processes:
                self._processes.popitem(last=False)
            known = self._processes[pid] = _Process(pid, start)
        if start:
            known.look(pid)
        known.checked, known.alive = time.monotonic_ns(), start != 0
        self._processes.move_to_end(pid)
        return known
