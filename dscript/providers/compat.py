"""Probes on kernel functions that were renamed, or that the C compiler inlines away.

The data are in renamed_functions.toml beside this file; `-x compat=none` turns it off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache

from dscript.providers.base import Pattern, ProbePoint, Provider, is_glob


@dataclass(frozen=True, slots=True)
class Renamed:
    """See the head of renamed_functions.toml."""

    to: tuple[str, ...]
    why: str
    inlined: bool


def with_renamed(
    pattern: Pattern, points: list[ProbePoint], fbt: Provider
) -> tuple[list[ProbePoint], tuple[str, ...]]:
    """The points of a description on one function name, moved where its work is done now.

    Returns them with a line for stderr when that happened.  `points` are what the name itself
    matched; they are kept unless the table says that no call reaches them.
    """
    if is_glob(pattern.function):
        return points, ()
    entry = table().get(pattern.function)
    own = [point for point in points if point.probe.provider == "fbt"]
    if entry is None or (own and not entry.inlined):
        return points, ()
    for name in entry.to:
        found = fbt.match(replace(pattern, function=name))
        if found:
            others = [point for point in points if point.probe.provider != "fbt"]
            note = (
                f"probe on {pattern.function} placed on {name}, which {entry.why}; "
                "-x compat=none turns this off"
            )
            return [*others, *found], (note,)
    return points, ()


@lru_cache(maxsize=1)
def table() -> dict[str, Renamed]:
    import tomllib

    path = os.path.join(os.path.dirname(__file__), "renamed_functions.toml")
    with open(path, "rb") as file:
        content = tomllib.load(file)
    return {
        name: Renamed(tuple(entry["to"]), entry["why"], entry.get("inlined", False))
        for name, entry in content.items()
    }
