"""System calls under other names: those of other systems, and those of C library functions that
Linux does with another call.

The names are in stdlib/syscall-aliases.toml.  A name stands for all calls that do its work, each
shown with that name and the arguments it is expected to have.  A call fires one name: its own
where the program names it, else the first claimant of the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dscript.kernel import syscalls
from dscript.providers.base import AttachPoint, Pattern, ProbePoint, Shape, Test, is_glob

_FIRST_ID = 1000  # system calls take those below, profile those from 2000
_TEST = re.compile(
    r"(?P<cast>\(int\))?(?P<memory>\*)?arg(?P<arg>\d)"
    r"(?: & (?P<mask>0x[0-9a-f]+|\d+))? (?P<op>==|!=) (?P<value>-?(?:0x[0-9a-f]+|\d+))"
)
_ALL = 0xFFFF_FFFF_FFFF_FFFF
_families: dict[str, int] = {}  # names that patterns of the table made, numbered as they came


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that fires a name: `arguments` are its own numbers or constants."""

    to: str
    arguments: tuple[int | str, ...] | None = None
    when: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of the table; see its head.  `absent` says why nothing fires it."""

    name: str
    system: str
    calls: tuple[Call, ...]
    without: bool
    absent: str
    rank: int


def with_aliases(
    pattern: Pattern, points: Sequence[ProbePoint], named: Callable[[], Sequence[Pattern]]
) -> tuple[list[ProbePoint], list[str], str | None]:
    """The points of a `syscall` description and those its names stand for.

    `named` gives all descriptions of the program.  Returns with them a line for each name that
    was replaced or is nowhere, and why nothing matched, where that is known.
    """
    found, notes = list(points), []
    reason = None
    seen: set[tuple[str, Call]] = set()
    for name in _names(pattern, points):
        alias = lookup(name)
        if alias is None:
            continue
        if alias.absent:
            reason = f"{name} is a system call of {alias.system}: {alias.absent}"
            notes.append(f"syscall::{name}: never fires: {alias.absent}")
            continue
        made = _points(alias, pattern, named(), seen)
        found += made
        if made or not is_glob(pattern.function):
            notes.append(_note(alias, made))
    return found, notes, reason


def is_alias(name: str) -> bool:
    """Whether a name that is no system call of this machine is known here."""
    return lookup(name) is not None


def _names(pattern: Pattern, points: Sequence[ProbePoint]) -> list[str]:
    """The names of the table that a description means.

    A glob means Linux's own names, where it does not match the calls behind them anyway; only one
    that matches no call at all means those of other systems.
    """
    if not is_glob(pattern.function):
        return [pattern.function]
    if not pattern.function.strip("*"):
        return []
    matched = (name for name in table() if pattern.matches_function(name))
    return [n for n in matched if not points or not table()[n].get("system")]


def _points(
    alias: Alias, pattern: Pattern, named: Sequence[Pattern], seen: set[tuple[str, Call]]
) -> list[ProbePoint]:
    """The points of a name; `seen` are the calls that the description's names have already."""
    known = syscalls.table()
    points = []
    for kind in ("entry", "return"):
        if not pattern.matches_name(kind):
            continue
        for call in alias.calls:
            what = (kind, replace(call, arguments=None))
            if call.to not in known or call.to == alias.name or what in seen:
                continue
            seen.add(what)
            if is_glob(pattern.function) and pattern.matches_function(call.to):
                continue
            unless = _claims(alias, call, kind, named)
            if unless is not None:
                points.append(shaped(alias, call, kind, unless))
    return points


def _claims(
    alias: Alias, call: Call, kind: str, named: Sequence[Pattern]
) -> tuple[tuple[Test, ...], ...] | None:
    """Conditions under which another name of the program takes the call; None for always."""
    taken: list[tuple[Test, ...]] = []
    for other in named:
        if other.provider != "syscall" or is_glob(other.function):
            continue
        # Who names the call and Linux's other name for it knows them apart, whatever the probe.
        if other.function == call.to and (not alias.system or other.matches_name(kind)):
            return None
        if not other.matches_name(kind):
            continue
        claimant = lookup(other.function)
        if claimant is None or claimant.rank >= alias.rank:
            continue
        for claim in claimant.calls:
            if claim.to == call.to:
                if set(claim.when) <= set(call.when):
                    return None
                taken.append(claim.when)
    return tuple(dict.fromkeys(taken))


def shaped(alias: Alias, call: Call, kind: str, unless: tuple[tuple[Test, ...], ...]) -> ProbePoint:
    """The call as a probe of the other name."""
    from dscript.providers import syscall

    own = syscall.point(call.to, kind)
    shape = Shape(own.probe.id, call.to, call.arguments, call.when, unless)
    attach: AttachPoint = replace(own.attach, shape=shape)
    if alias.name in syscalls.table():
        return ProbePoint(syscall.point(alias.name, kind).probe, attach)
    number = _FIRST_ID + 2 * alias.rank + (kind == "return")
    return ProbePoint(own.probe._replace(id=number, function=alias.name), attach)


def _note(alias: Alias, points: Sequence[ProbePoint]) -> str:
    targets = list(dict.fromkeys(p.attach.shape.call for p in points if p.attach.shape))
    if not targets:
        return f"syscall::{alias.name}: another name of the program has its calls"
    whose = f", a name of {alias.system}," if alias.system else ""
    also = "also " if alias.name in syscalls.table() else ""
    return (
        f"syscall::{alias.name}{whose} {also}fires for {', '.join(targets)}; "
        "-x compat=none turns this off"
    )


# -------------------------------------------------------------------------------- the table


@lru_cache(maxsize=1)
def _text() -> str:
    from dscript.resources import directory

    return (directory("stdlib") / "syscall-aliases.toml").read_text(encoding="ascii")


@lru_cache(maxsize=1)
def _file() -> dict[str, object]:
    import tomllib

    return tomllib.loads(_text())


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, object]]:
    """Name -> its entry as the file has it."""
    return {name: entry for name, entry in _file().items() if isinstance(entry, dict)}


@lru_cache(maxsize=512)
def lookup(name: str) -> Alias | None:
    """What a name stands for on this machine, its own call left out; None for a plain call."""
    own = name in syscalls.table()
    if own and f"\n[{name}]\n" not in _text():
        return None  # most calls: the table is not worth reading for them
    entry = table().get(name)
    if entry is None:
        return None if own else _of_family(name)
    if entry.get("without") and own:
        return None
    calls = tuple(_calls(name, entry, {name}))
    absent = str(entry.get("absent", ""))
    if not absent and not any(call.to in syscalls.table() for call in calls):
        absent = "this machine has no system call that does it"
    rank = list(table()).index(name)
    return Alias(
        name, str(entry.get("system", "")), calls, bool(entry.get("without")), absent, rank
    )


def _of_family(name: str) -> Alias | None:
    """A name that a pattern of the table leads to another name or call."""
    patterns = _file()["pattern"]
    assert isinstance(patterns, list)
    for entry in patterns:
        found = re.fullmatch(entry["name"], name)
        if found is None:
            continue
        plain = found[1]
        if plain not in table() and plain not in syscalls.table():
            continue
        base = lookup(plain)
        if base is not None and base.absent:
            return replace(base, name=name, system=entry["system"])
        rank = len(table()) + _families.setdefault(name, len(_families))
        calls = tuple(_named_calls(plain, {name}))
        return Alias(name, entry["system"], calls, False, "", rank)
    return None


def _calls(name: str, entry: dict[str, object], seen: set[str]) -> Iterator[Call]:
    for other in _list(entry.get("like")):
        if other not in seen:
            yield from _named_calls(str(other), seen | {str(other)})
    for call in _list(entry.get("calls")):
        assert isinstance(call, dict)
        yield _call(call)


def _named_calls(name: str, seen: set[str]) -> Iterator[Call]:
    """The call of a name, where this machine has it, and all that fire it."""
    own = name in syscalls.table()
    if own:
        yield Call(name)
    entry = table().get(name)
    if entry is not None and not (own and entry.get("without")):
        yield from _calls(name, entry, seen)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _call(entry: dict[str, object]) -> Call:
    words = entry.get("args")
    arguments: tuple[int | str, ...] | None = None
    if isinstance(words, list):
        arguments = tuple(int(w[3:]) if w.startswith("arg") else f"={w}" for w in words)
    return Call(str(entry["to"]), arguments, tuple(map(_test, _list(entry.get("when")))))


def _test(text: object) -> Test:
    found = _TEST.fullmatch(str(text))
    if found is None:
        raise ValueError(f"syscall-aliases.toml: not a condition: {text}")
    mask = int(found["mask"], 0) if found["mask"] else _ALL
    value = int(found["value"], 0)
    if found["cast"]:
        mask, value = mask & 0xFFFF_FFFF, value & 0xFFFF_FFFF
    return Test(int(found["arg"]), mask, value & _ALL, found["op"] == "==", bool(found["memory"]))
