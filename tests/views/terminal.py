"""A command on a terminal of its own: what its screen shows, by pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import pyte


class Terminal:
    """Runs a command on a pseudo-terminal; `raw` is all it wrote there.

    `streams` are the descriptors that lead to the terminal, the others lead nowhere.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        columns: int = 100,
        rows: int = 30,
        streams: Sequence[int] = (0, 1, 2),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                _size(0, columns, rows)
                nowhere = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2):
                    if number not in streams:
                        os.dup2(nowhere, number)
                env = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
                os.execve(words[0], list(words), env)
            finally:
                os._exit(127)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Read until the condition holds; fails when it does not come to that."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.lines)
            assert self._read(), "\n".join(self.lines)

    def read_for(self, seconds: float) -> int:
        """Read for a while; how many bytes came."""
        before = len(self.raw)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._read():
            pass
        return len(self.raw) - before

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        _size(self._fd, columns, rows)

    def interrupt(self) -> None:
        os.write(self._fd, b"\x03")

    def wait(self) -> int:
        """Read to the end; the exit status."""
        while self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _read(self) -> bool:
        """Some of the output; False at its end."""
        ready, _, _ = select.select([self._fd], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


def _size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


PYTHON = sys.executable
