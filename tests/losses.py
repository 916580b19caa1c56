"""What a run says it lost to the machine rather than to a mistake.

The kernel does not run a BPF program on a CPU where it is already running.  An interrupt, a
preemption or a lock that tracing itself waits for can make that happen at any time, so no test
may demand that it never does; the run says how often it did (docs/linux.md, "Losses").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

_MISSED = re.compile(r"dscript: (\d+) nested probe firings? missed \(\S+\)")
_TRIES = 4

Result = TypeVar("Result")


def missed(errors: str) -> int:
    """Nested firings that a run missed; anything else on its standard error is a failure."""
    found = [(line, _MISSED.fullmatch(line)) for line in errors.splitlines()]
    others = [line for line, match in found if match is None]
    assert not others, "\n".join(others)
    return sum(int(match[1]) for _, match in found if match is not None)


def complete(run: Callable[[], tuple[Result, str]]) -> Result:
    """What the first run gives that missed nothing; `run` gives its result and its errors."""
    lost = []
    for _ in range(_TRIES):
        result, errors = run()
        lost.append(missed(errors))
        if not lost[-1]:
            return result
    raise AssertionError(f"nested firings missed in each of {_TRIES} runs: {lost}")
