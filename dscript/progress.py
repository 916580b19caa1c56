"""How far long work has come: those who do it report, a terminal shows it.

Without a listener a report costs next to nothing.  `total` is 0 where it is not known.
"""

from __future__ import annotations

from collections.abc import Callable

# Takes what is being done (a few words), how much of it is done, and how much there is.
Listener = Callable[[str, int, int], None]

_listener: Listener | None = None
_finished: Callable[[], None] | None = None


def listen(listener: Listener | None, finished: Callable[[], None] | None = None) -> None:
    """Send reports to `listener` from now on, and call `finished` when the work is done."""
    global _listener, _finished
    _listener, _finished = listener, finished


def report(what: str, done: int = 0, total: int = 0) -> None:
    """Work goes on."""
    if _listener is not None:
        _listener(what, done, total)


def finish() -> None:
    """No long work now: other output may follow."""
    if _finished is not None:
        _finished()


def heard() -> bool:
    """Whether someone listens."""
    return _listener is not None
