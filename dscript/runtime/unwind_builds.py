"""Unwind tables of big files, built by processes of their own while records are read."""

from __future__ import annotations

import heapq
import os
import select
import signal
from contextlib import suppress
from typing import Final, NamedTuple

from dscript.kernel import unwind_tables

_AT_ONCE: Final = 2


class _Child(NamedTuple):
    pid: int
    pidfd: int
    memory: int  # a file in memory that holds the table when the child has ended
    name: str


class Builders:
    """Builds tables, small ones first; `epoll` hears of each that is done."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._waiting: list[tuple[int, str, str]] = []
        self._running: list[_Child] = []

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def add(self, path: str, name: str, size: int) -> None:
        """Build the table of a file of so many bytes, and keep it in the cache under a name."""
        heapq.heappush(self._waiting, (size, path, name))
        self._start()

    def finished(self) -> list[tuple[str, bytes]]:
        """(name, table) of those that are done since the last call."""
        done = []
        for child in list(self._running):
            if os.waitpid(child.pid, os.WNOHANG)[0] == 0:
                continue
            size = os.fstat(child.memory).st_size
            done.append((child.name, os.pread(child.memory, size, 0)))
            self._drop(child)
        self._start()
        return done

    def close(self) -> None:
        self._waiting.clear()
        for child in list(self._running):
            with suppress(ProcessLookupError, ChildProcessError):
                signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
                os.waitpid(child.pid, 0)
            self._drop(child)

    def _drop(self, child: _Child) -> None:
        self._running.remove(child)
        self._epoll.unregister(child.pidfd)
        os.close(child.pidfd)
        os.close(child.memory)

    def _start(self) -> None:
        while self._waiting and len(self._running) < _AT_ONCE:
            _, path, name = heapq.heappop(self._waiting)
            memory = os.memfd_create("unwind")
            pid = os.fork()
            if pid == 0:
                _build(path, name, memory)
            child = _Child(pid, os.pidfd_open(pid), memory, name)
            self._epoll.register(child.pidfd, select.EPOLLIN)
            self._running.append(child)


def _build(path: str, name: str, memory: int) -> None:
    """The forked side.  It holds the tracer's links: it goes when the tracer goes."""
    import ctypes

    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, linux/prctl.h
        os.nice(5)
        with open(memory, "wb", closefd=False) as file:
            file.write(unwind_tables.make(path, name))
        status = 0
    finally:
        os._exit(status)
