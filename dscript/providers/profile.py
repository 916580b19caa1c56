"""The profile provider: profile-N on every CPU, tick-N on one (manual, chapter "profile Provider").

A probe exists as soon as it is asked for by its full name; the conventional rates are listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dscript.options import NANOSECONDS
from dscript.program import Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)

_SECOND = 1_000_000_000

# Shortest interval that DTrace accepts (5000 firings a second).
MINIMUM_NS = 200_000
# perf_event_open takes a period below 2**63.
_MAXIMUM_NS = (1 << 63) - 1

_NAME = re.compile(r"(profile|tick)-([0-9]+)([a-z]*)", re.ASCII)
_FIRST_ID = 2000
_CONVENTIONAL = (
    *(f"profile-{rate}" for rate in (97, 199, 499, 997, 1999, 4001, 4999)),
    *(f"tick-{rate}" for rate in (1, 10, 100, 500, 1000, 5000)),
)


class _Profile:
    names = ("profile",)

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        for name in _CONVENTIONAL:
            self._id(name)

    def _id(self, name: str) -> int:
        return self._ids.setdefault(name, _FIRST_ID + len(self._ids))

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        if pattern.module.strip("*") or pattern.function.strip("*"):
            return []
        if is_glob(pattern.name):
            names = [name for name in self._ids if pattern.matches_name(name)]
        else:
            names = [pattern.name] if isinstance(interval(pattern.name), int) else []
        return [self._point(name) for name in names]

    def _point(self, name: str) -> ProbePoint:
        period = interval(name)
        assert isinstance(period, int)
        probe = Probe(self._id(name), "profile", "", "", name)
        if name.startswith("tick"):
            return ProbePoint(probe, AttachPoint("tick", name, "perf_event", period))
        return ProbePoint(probe, AttachPoint("profile", name, "perf_event", period))

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return ()

    def missing(self, pattern: Pattern) -> str | None:
        """Why a rate that was written cannot be had."""
        if is_glob(pattern.name):
            return None
        why = interval(pattern.name)
        return why if isinstance(why, str) else None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        head, dash, tail = pattern.name.partition("-")
        if dash and tail[:1].isdigit() and head not in ("profile", "tick"):
            return pattern.name, (f"profile-{tail}", f"tick-{tail}")
        return "", ()

    def described(self) -> Sequence[Described]:
        where = "`arg0` kernel address, `arg1` user address"
        return (
            Described("`profile-N`", "perf software clock, one event on every CPU", where),
            Described("`tick-N`", "perf software clock on one CPU", where),
        )


def interval(name: str) -> int | str | None:
    """The period in ns of `profile-N[suffix]` or `tick-N[suffix]`.

    A string says why there is no such probe; None means that the name is none of these.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    count, suffix = int(found[2]), found[3]
    if suffix not in NANOSECONDS and suffix not in ("", "hz"):
        return (
            f"{name}: unknown time suffix {suffix!r}: use ns, us, ms, s, m, h, d (nsec, usec, "
            "msec, sec, min, hour, day) or hz"
        )
    if count == 0:
        return f"{name}: the rate must not be zero"
    period = count * NANOSECONDS[suffix] if suffix in NANOSECONDS else _SECOND // count
    if period < MINIMUM_NS:
        return f"{name}: too fast: the shortest interval is 200us (5000 per second)"
    if period > _MAXIMUM_NS:
        return f"{name}: too slow: the longest interval is 106751 days"
    return period


PROVIDER = _Profile()
