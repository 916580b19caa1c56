"""Progress on the terminal: one line on stderr, shown when work takes long, then wiped out."""

from __future__ import annotations

import os
import sys
import time

from dscript import progress

# Work shorter than this shows nothing, in seconds.
_PATIENCE = 0.5
_BETWEEN = 0.1  # seconds between two pictures
_BAR = 24
_WIPE = "\r\x1b[K"


class ProgressLine:
    """Draws reports of `dscript.progress`; work begins with the first one."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._next = 0.0
        self._shown = False

    def update(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = now
            self._next = now + _PATIENCE
        if now < self._next:
            return
        self._next = now + _BETWEEN
        self._shown = True
        self._write(_WIPE + _picture(what, done, total, now - self._began, _columns()))

    def clear(self) -> None:
        if self._shown:
            self._write(_WIPE)
        self._began = None
        self._shown = False

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            progress.listen(None)


def show_on_terminal() -> None:
    """Show the progress of this run on standard error, a terminal, if it can wipe a line."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return
    line = ProgressLine()
    progress.listen(line.update, line.clear)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _picture(what: str, done: int, total: int, seconds: float, columns: int) -> str:
    """One line, shorter than the terminal is wide, lest it could not be wiped out."""
    if total:
        filled = _BAR * min(done, total) // total
        text = f"[{'#' * filled}{'.' * (_BAR - filled)}] {what} {done}/{total}"
    else:
        text = f"{'|/-'[int(seconds * 10) % 3]} {what}, {seconds:.0f} s"
    return text[: columns - 1]
