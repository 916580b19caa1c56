"""The cpc provider: every COUNTth event that a CPU counts (manual, chapter "cpc Provider").

A probe, `EVENT-MODE-COUNT`, exists as soon as it is asked for by its full name; some are
listed.  MODE is user, kernel or all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dscript.program import Probe
from dscript.providers import perfevents
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)

_FIRST_ID = 17_200
_NAME = re.compile(r"(.+)-(user|kernel|all)(?:-(0x[0-9a-fA-F]+))?-([0-9]+)", re.ASCII)
# As dcpc-min-overflow of Solaris: a counter that overflows more often stops the machine.
_LEAST_COUNT, _LEAST_NS = 5_000, 200_000
_MOST = (1 << 63) - 1
_LISTED = (
    "cpu-clock-all-1000000",
    "page-faults-all-1",
    "major-faults-all-1",
    "context-switches-all-1",
    "cpu-migrations-all-1",
    "cycles-all-1000000",
    "instructions-all-1000000",
    "cache-misses-all-10000",
    "branch-misses-all-10000",
)


class _Cpc:
    names = ("cpc",)

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        for name in _LISTED:
            self._id(name)

    def _id(self, name: str) -> int:
        return self._ids.setdefault(name, _FIRST_ID + len(self._ids))

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        if pattern.module.strip("*") or pattern.function.strip("*"):
            return []
        names = [pattern.name]
        if is_glob(pattern.name):
            names = [name for name in self._ids if pattern.matches_name(name)]
        points = (self._point(name) for name in names)
        return [point for point in points if point is not None]

    def _point(self, name: str) -> ProbePoint | None:
        event = parse(name)
        if isinstance(event, str):
            return None
        probe = Probe(self._id(name), "cpc", "", "", name)
        return ProbePoint(probe, attach_point(*event))

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return ()

    def missing(self, pattern: Pattern) -> str | None:
        """Why the event that was written cannot be counted."""
        if is_glob(pattern.name) or pattern.provider != "cpc":
            return None
        why = parse(pattern.name)
        return why if isinstance(why, str) else None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        found = _NAME.fullmatch(pattern.name)
        if found is None:
            return "", ()
        tail = pattern.name[len(found[1]) :]
        return pattern.name, [known + tail for known in perfevents.names()]

    def described(self) -> Sequence[Described]:
        where = "`arg0` kernel address, `arg1` user address"
        return (
            Described(
                "`EVENT-MODE-COUNT`, an event of perf(1) or PAPI, or `rHEX`",
                "perf event on every CPU, every COUNTth",
                where,
                "exact; hardware events need the counts of 5000 and up",
                "without hardware counters only `cpu-clock`, `task-clock`, `page-faults`, "
                "`minor-faults`, `major-faults`, `context-switches`, `cpu-migrations`",
            ),
        )


def attach_point(event: perfevents.Event, flags: int, count: int) -> AttachPoint:
    """Every `count`th of an event, in the modes that `flags` do not exclude."""
    target = f"{event.type}:{event.config:#x}:{flags:#x}"
    return AttachPoint("counter", target, "perf_event", count)


def parse(name: str) -> tuple[perfevents.Event, int, int] | str:
    """The event, the flags that exclude modes and the count; a string says what is wrong."""
    found = _NAME.fullmatch(name)
    if found is None:
        return (
            f"{name}: a cpc probe is written EVENT-MODE-COUNT, as in page-faults-user-1; MODE is "
            "user, kernel or all"
        )
    event = perfevents.find(found[1])
    if event is None:
        return f"perf has no event {found[1]}; nearest: page-faults, context-switches, cpu-clock"
    if found[3] is not None:
        if event.is_software:
            return f"{name}: event {found[1]} takes no mask"
        event = event._replace(config=event.config | int(found[3], 16) << 8)
    count = int(found[4])
    least = 1
    if event.clock or not event.is_software:
        least = _LEAST_NS if event.clock else _LEAST_COUNT
    if not least <= count <= _MOST:
        return f"{name}: the count must be at least {least} and below 2**63"
    why = perfevents.refused(event)
    if why is not None:
        near = "" if event.is_software else "; nearest: cpu-clock-all-1000000, profile-997"
        return f"event {found[1]} cannot be counted: {why}{near}"
    return event, perfevents.EXCLUDE[found[2]], count


PROVIDER = _Cpc()
