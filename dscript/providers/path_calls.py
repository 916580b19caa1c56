"""Calls of a glob that take a folder and a path, for clauses that read a path from `arg0`.

`syscall::open*:entry { trace(copyinstr(arg0)); }` is what scripts of other systems write.  Under
the glob `openat` has a folder in `arg0`, which is no address: such a clause means the name whose
arguments begin with the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dscript.providers import aliases
from dscript.providers.base import Pattern, ProbePoint, Shape, Test, is_glob

# The folder of a call is the working directory: AT_FDCWD.
_WORKING = Test(0, 0xFFFF_FFFF, -100 & 0xFFFF_FFFF)


def with_paths(
    pattern: Pattern, points: Sequence[ProbePoint]
) -> tuple[list[ProbePoint], tuple[str, ...]]:
    """The points of a glob with such calls shown as what they do; a remark for them."""
    glob = pattern.function
    if pattern.provider != "syscall" or not is_glob(glob) or not glob.strip("*"):
        return list(points), ()
    found: list[ProbePoint] = []
    shown: list[str] = []
    for point in points:
        names = _names(pattern, point)
        whens: list[tuple[Test, ...]] = []
        for alias, call in names:
            made = aliases.shaped(alias, call, "entry", tuple(whens))
            found.append(made)
            whens.append(call.when)
        if names:
            shown.append(f"{point.probe.function} as {' and '.join(a.name for a, _ in names)}")
            own = Shape(point.probe.id, point.probe.function, None, (), tuple(whens))
            point = replace(point, attach=replace(point.attach, shape=own))
        found.append(point)
    if not shown:
        return found, ()
    remark = f"{pattern} shows {', '.join(shown)}, as the clause reads a path from arg0"
    return found, (f"{remark}; -x compat=none turns this off",)


def _names(pattern: Pattern, point: ProbePoint) -> list[tuple[aliases.Alias, aliases.Call]]:
    """Names that the glob matches, too, and that the call does the work of with a path."""
    if point.probe.name != "entry" or point.attach.shape is not None:
        return []
    return [
        (alias, call)
        for name in aliases.table()
        if pattern.matches_function(name) and (alias := aliases.lookup(name)) is not None
        for call in alias.calls
        if not alias.system and call.to == point.probe.function and _WORKING in call.when
    ]
