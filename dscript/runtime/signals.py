"""SIGINT, SIGTERM and SIGHUP as a request to end, seen by poll(2) through a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndingSignals:
    """While entered, the signals only set `received`, however often they come.

    Off the main thread Python forbids handlers; then the signals keep their meaning.
    """

    def __init__(self) -> None:
        self.received = False
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._previous: dict[signal.Signals, object] = {}
        self._previous_fd = -1

    def fileno(self) -> int:
        return self._read

    def read(self) -> None:
        """Forget what woke poll(2), which may be a signal that ends nothing (SIGWINCH)."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 512)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = True

    def __enter__(self) -> EndingSignals:
        try:
            self._previous_fd = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            return self
        for number in _ENDING:
            handler = signal.getsignal(number)
            if handler is signal.SIG_IGN and number == signal.SIGHUP:
                continue  # nohup
            self._previous[number] = handler
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what getsignal gave
        if self._previous:
            signal.set_wakeup_fd(self._previous_fd)
        os.close(self._read)
        os.close(self._write)
