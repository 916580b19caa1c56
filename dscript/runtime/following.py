"""The processes that are followed: the targets and those that descend from them.

The programs keep the map up to date as processes fork and exit (program.FOLLOWED_MAP);
what was there before is put in from here.  Keys and values are numbers of the tracer's PID
namespace, u32 each: process, and the target that it descends from.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress

from dscript.kernel.processes import all_processes, exists, stat_fields
from dscript.program import CompiledProgram
from dscript.runtime import bpf
from dscript.runtime.user_links import places


class Followed:
    """The map of a run; `targets` are the processes that are followed from the start."""

    def __init__(self, program: CompiledProgram, map_fd: int, targets: Iterable[int]) -> None:
        self._map = map_fd
        probed = {
            place.pid
            for attachment in program.attachments
            if attachment.in_user_code
            for place in places(attachment)
            if place.followed
        }
        self._probed = bool(probed)
        self._roots = sorted({*targets, *probed})
        for pid in self._roots:
            self._put(pid, pid)

    def take_in_children(self) -> None:
        """Those that the targets have already; call it once forks are seen."""
        children: dict[int, list[int]] = {}
        for pid, parent in _parents().items():
            children.setdefault(parent, []).append(pid)
        for root in self._roots:
            waiting = list(children.get(root, ()))
            while waiting:
                pid = waiting.pop()
                if pid in self._roots:
                    continue
                waiting += children.get(pid, ())
                self._put(pid, root)
                if not exists(pid):  # it may have ended before it was put in
                    bpf.map_delete(self._map, struct.pack("<I", pid))

    @property
    def awaited(self) -> bool:
        """Whether probes follow processes and some have not ended yet."""
        return self._probed and bpf.map_next_key(self._map, None, 4) is not None

    def _put(self, pid: int, root: int) -> None:
        bpf.map_update(self._map, struct.pack("<I", pid), struct.pack("<I", root))


def _parents() -> dict[int, int]:
    """Parent of each process (field 4 of /proc/PID/stat)."""
    found: dict[int, int] = {}
    for pid in all_processes():
        with suppress(OSError):
            found[pid] = int(stat_fields(pid)[1])
    return found
