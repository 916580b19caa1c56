"""What processes have mapped, also of those that have ended: a model fed by kernel events."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from dscript.kernel.processes import ProcessMapping, code_mappings

# Ended processes that are remembered, the last ones.
_REMEMBERED = 8192
# What processes ran before they executed something else: of so many, the last ones of each.
_CHANGED, _PAST = 1024, 8


class Mapping(NamedTuple):
    """Code that a process has mapped; `offset` is where it begins in the file.

    `build_id` is hexadecimal, empty where the kernel did not tell it.
    """

    start: int
    end: int
    offset: int
    path: str
    build_id: str = ""


class Space:
    """The mappings of one process, in order of address."""

    __slots__ = ("complete", "mappings", "shared")

    def __init__(self, mappings: list[Mapping] | None = None, *, complete: bool = False) -> None:
        self.mappings = mappings or []
        # All that the process has mapped is known: it was seen from its start, or read.
        self.complete = complete
        self.shared = False  # the list belongs to another process as well (fork)

    def add(self, new: Mapping) -> None:
        """A mapping takes the place of those it overlaps."""
        if self.shared:
            self.mappings, self.shared = list(self.mappings), False
        if any(old.start < new.end and new.start < old.end for old in self.mappings):
            self.mappings = [
                old for old in self.mappings if old.end <= new.start or new.end <= old.start
            ]
        insort(self.mappings, new)

    def find(self, address: int) -> Mapping | None:
        at = bisect_right(self.mappings, address, key=lambda mapping: mapping.start) - 1
        if at < 0 or address >= self.mappings[at].end:
            return None
        return self.mappings[at]


class Spaces:
    """The address spaces of all processes, by ID in the tracer's PID namespace."""

    def __init__(self) -> None:
        self._alive: dict[int, Space] = {}
        self._ended: OrderedDict[int, Space] = OrderedDict()
        self._past: OrderedDict[int, list[Space]] = OrderedDict()

    def mapped(self, pid: int, mapping: Mapping) -> None:
        self._alive.setdefault(pid, Space()).add(mapping)

    def forked(self, pid: int, parent: int) -> None:
        """A process was made: it has what its parent has."""
        origin = self._alive.get(parent)
        self._ended.pop(pid, None)
        self._past.pop(pid, None)
        child = Space() if origin is None else Space(origin.mappings, complete=origin.complete)
        if origin is not None:
            origin.shared = child.shared = True
        self._alive[pid] = child

    def executed(self, pid: int) -> None:
        """A process runs another program from here on."""
        before = self._alive.get(pid)
        if before is not None and before.mappings:
            past = self._past.pop(pid, [])
            self._past[pid] = [before, *past[: _PAST - 1]]
            while len(self._past) > _CHANGED:
                self._past.popitem(last=False)
        self._alive[pid] = Space(complete=True)

    def ended(self, pid: int) -> None:
        space = self._alive.pop(pid, None)
        if space is None:
            return
        self._ended[pid] = space
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def missed(self) -> None:
        """Records were lost: of nobody who runs now all mappings are known for certain."""
        for space in self._alive.values():
            space.complete = False

    def seed(self, pid: int, mappings: Iterable[Mapping]) -> None:
        """What /proc says of a process that runs already."""
        self._alive[pid] = Space(sorted(mappings), complete=True)

    def knows(self, pid: int) -> bool:
        """Whether all mappings of a process, which runs or has ended, are known."""
        space = self._alive.get(pid) or self._ended.get(pid)
        return space is not None and space.complete

    def files(self, pid: int) -> list[str]:
        """Paths of the files that the process has, or had, code of."""
        space = self._alive.get(pid) or self._ended.get(pid)
        mappings = [] if space is None else space.mappings
        return list(dict.fromkeys(m.path for m in mappings if m.path.startswith("/")))

    def find(self, pid: int, address: int) -> Mapping | None:
        """The mapping that an address lies in, of the process that has, or last had, the ID.

        Where what it runs now has none there, it is that of what it ran before.
        """
        space = self._alive.get(pid) or self._ended.get(pid)
        found = None if space is None else space.find(address)
        if found is None:
            past = self._past.get(pid, ())
            found = next(filter(None, (before.find(address) for before in past)), None)
        return found


def read_mappings(pid: int) -> list[Mapping]:
    """The executable mappings of a process that runs (/proc/PID/maps); none when it is gone."""
    try:
        return [as_mapping(found) for found in code_mappings(pid)]
    except OSError:
        return []


def as_mapping(found: ProcessMapping) -> Mapping:
    """A mapping as /proc tells it."""
    return Mapping(found.start, found.end, found.offset, found.path or "//anon")
