"""Tables of what runs already, loaded before a stack asks for them.

The files of all processes are looked at once, within bounds of time and memory: first those
that many share, of these the small ones.  What the time is not enough for is gone on with
while records are read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from dscript.kernel import processes

# More processes than this are not looked at.
_MANY_PROCESSES: Final = 2000
# Of a file: its path (and the process that sees another tree than we do), and its inode.
_Place = tuple[object, int]


class Ahead:
    """`load` is called with a process and the path of a file that it has code of, once for each.

    It tells whether there is room for more.
    """

    def __init__(self, load: Callable[[int, str], bool]) -> None:
        self._load = load
        self._steps: Iterator[None] | None = self._all()

    @property
    def done(self) -> bool:
        return self._steps is None

    def go_on(self, seconds: float) -> None:
        """Work for about so long; on a busy machine ten times as long at most."""
        work_until, deadline = time.thread_time() + seconds, time.monotonic() + 10 * seconds
        while (
            self._steps is not None
            and time.thread_time() < work_until
            and time.monotonic() < deadline
        ):
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None

    def _all(self) -> Iterator[None]:
        """A step is a process that is looked at, or a file that is loaded."""
        found: dict[_Place, _File] = {}
        for pid in processes.all_processes()[:_MANY_PROCESSES]:
            with suppress(OSError):
                _note(pid, found)
            yield
        for file in sorted(found.values(), key=lambda file: (-file.users, file.size)):
            if not self._load(file.pid, file.path):
                return
            yield


class _File:
    """A file with code: how many processes have it, and one of them."""

    __slots__ = ("path", "pid", "size", "users")

    def __init__(self, pid: int, path: str) -> None:
        self.pid, self.path, self.users = pid, path, 0
        self.size = os.stat(path).st_size


def _note(pid: int, found: dict[_Place, _File]) -> None:
    """Take in the files of a process."""
    shared: bool | None = None
    for mapping in processes.code_mappings(pid):
        if not mapping.inode or not mapping.path.startswith("/"):
            continue
        if shared is None:
            shared = processes.shares_files(pid)
        # Files of another tree are told apart by what they are there, in each process.
        place = (mapping.path if shared else (pid, mapping.path), mapping.inode)
        if place not in found:
            with suppress(OSError):
                found[place] = _File(pid, processes.reachable(pid, mapping, shared)[0])
        if place in found:
            found[place].users += 1
