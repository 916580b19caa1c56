"""Many files judged, each in a forked child: what ends one of them is its own verdict.

The compiler is imported once, before the first child.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from dscript import progress
from dscript.port.judge import judge
from dscript.port.verdict import Class, Finding, Verdict

# No script takes as long; what does is looked at no further.
_SECONDS = 120.0


@dataclass(slots=True)
class _Child:
    number: int
    pid: int
    pipe: int
    until: float
    data: bytes = b""


def read_text(path: str) -> str:
    """A file's text; bytes that are not UTF-8 are kept.  Raises OSError."""
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


def judge_all(paths: Sequence[str], jobs: int | None = None) -> list[Verdict]:
    """The verdicts on the files, in their order."""
    verdicts: list[Verdict | None] = [None] * len(paths)
    for done, (number, verdict) in enumerate(_judged(paths, jobs or os.cpu_count() or 1), 1):
        verdicts[number] = verdict
        progress.report("looking at scripts", done, len(paths))
    return [verdict for verdict in verdicts if verdict is not None]


def _judged(paths: Sequence[str], jobs: int) -> Iterator[tuple[int, Verdict]]:
    waiting = list(reversed(range(len(paths))))
    running: dict[int, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.pop()
                child = _start(number, paths[number])
                running[child.pipe] = child
            ready, _, _ = select.select(list(running), [], [], 1.0)
            for pipe in ready:
                child = running[pipe]
                data = os.read(pipe, 1 << 16)
                child.data += data
                if not data:
                    del running[pipe]
                    yield child.number, _finish(child, paths[child.number])
            for child in list(running.values()):
                if time.monotonic() > child.until:
                    os.kill(child.pid, signal.SIGKILL)
    finally:
        for child in running.values():
            os.kill(child.pid, signal.SIGKILL)
            _finish(child, paths[child.number])


def _start(number: int, path: str) -> _Child:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(path, writing)
    os.close(writing)
    return _Child(number, pid, reading, time.monotonic() + _SECONDS)


def _work(path: str, pipe: int) -> NoReturn:
    """In the child: one file, its verdict into the pipe."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        progress.listen(None)
        data = pickle.dumps(_verdict(path), protocol=5)
        with open(pipe, "wb") as file:
            file.write(data)
        status = 0
    finally:
        os._exit(status)


def _verdict(path: str) -> Verdict:
    try:
        return judge(path, read_text(path))
    except OSError as error:
        return _error(path, "fault", f"cannot be read: {error.strerror}")
    except RecursionError:
        return _error(path, "broken", "the program is nested too deeply")
    except Exception as fault:
        from dscript.compiler_child import internal_error

        return _error(path, "fault", internal_error(fault).message)


def _finish(child: _Child, path: str) -> Verdict:
    os.close(child.pipe)
    _, status = os.waitpid(child.pid, 0)
    if status == 0 and child.data:
        verdict: Verdict = pickle.loads(child.data)
        return verdict
    if time.monotonic() > child.until:
        return _error(path, "fault", f"the compiler took more than {_SECONDS:.0f} s")
    code = os.waitstatus_to_exitcode(status)
    return _error(path, "fault", f"the compiler ended with status {code}")


def _error(path: str, kind: str, text: str) -> Verdict:
    return Verdict(path, Class.ERROR, 0, (Finding(kind, 0, "", text),))
