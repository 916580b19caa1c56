"""What got lost: drop counters of the programs and runs the kernel skipped."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from dscript.program import DropKind
from dscript.runtime import bpf
from dscript.runtime.libbpf import Map


class DropCounters:
    """Reads the per-CPU `drops` map; each `poll` gives what was added since the last."""

    def __init__(self, drops: Map, cpus: int) -> None:
        self._fd = drops.fd
        self._kinds = tuple(kind for kind in DropKind if kind < drops.max_entries)
        self._cpus = cpus
        self._seen: dict[DropKind, tuple[int, ...]] = dict.fromkeys(self._kinds, (0,) * cpus)

    def poll(self) -> Iterator[tuple[DropKind, int, int]]:
        """(kind, how many more, CPU) for every counter that moved."""
        for kind in self._kinds:
            value = bpf.map_lookup(self._fd, struct.pack("<I", kind), 8 * self._cpus)
            counts = struct.unpack(f"<{self._cpus}Q", value or bytes(8 * self._cpus))
            seen = self._seen[kind]
            if counts == seen:
                continue
            self._seen[kind] = counts
            for cpu, (now, before) in enumerate(zip(counts, seen, strict=True)):
                if now != before:
                    yield kind, now - before, cpu


class MissedRuns:
    """Runs skipped because the program, or one of its kind, was active on that CPU."""

    def __init__(self, programs: Mapping[str, int]) -> None:
        self._programs = programs
        self._seen = dict.fromkeys(programs, 0)

    def poll(self) -> Iterator[tuple[str, int]]:
        """(program, how many more) for every program that was skipped."""
        for name, fd in self._programs.items():
            misses = bpf.program_misses(fd)
            if misses != self._seen[name]:
                yield name, misses - self._seen[name]
                self._seen[name] = misses
