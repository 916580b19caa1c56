"""The providers: which probes exist on this machine and where they attach.

Provider modules are imported when a description can mean them, so that a program of
`syscall:::` clauses never reads BTF or tracefs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from dscript.nearest import nearest
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Context,
    Described,
    Pattern,
    ProbePoint,
    Provider,
    is_glob,
)

__all__ = [
    "ArgumentType",
    "AttachPoint",
    "Context",
    "Described",
    "Matches",
    "Pattern",
    "ProbePoint",
    "Provider",
    "arguments",
    "by_id",
    "descriptions",
    "is_provider",
    "listing",
    "match",
    "untyped",
]

# Provider name -> module that implements it, in the order of `-l`.
_MODULES = {
    "dtrace": "dtrace",
    "syscall": "syscall",
    "profile": "profile",
    "proc": "proc",
    "sched": "sched",
    "io": "io",
    "ip": "ip",
    "tcp": "tcp",
    "udp": "udp",
    "sysinfo": "sysinfo",
    "vminfo": "vminfo",
    "mib": "mib",
    "fsinfo": "fsinfo",
    "lockstat": "lockstat",
    "cpc": "cpc",
    "fbt": "fbt",
    "sdt": "sdt",
    "rawtp": "rawtp",
}

# Providers of user code, which stay out of globs: they would mean every process.
_USER_MODULES = {"pid": "pid", "uprobe": "uprobe", "usdt": "usdt"}
_PROCESS = re.compile(r"pid\d+")

# Other spellings of a provider; probes show the provider's own name.
_ALIASES = {
    "kprobe": "fbt",
    "kretprobe": "fbt",
    "tracepoint": "sdt",
    "rawtracepoint": "rawtp",
    "uretprobe": "uprobe",
}


@dataclass(frozen=True, slots=True)
class Matches:
    """What a description matched.

    `notes` are lines for stderr (a renamed function, functions left out).  When `points` is
    empty, `reason` says why if there is more to say than "does not match any probes", and
    `suggestion` is the near miss ("did you mean syscall::open:entry?").  `remarks` are lines for
    `-v`: what was taken for a name of another system.  Nothing matched, and yet nothing is wrong,
    where the program names the same calls otherwise (`covered`); where another system alone has
    the probe (`elsewhere`), the other descriptions of the clause may do.
    """

    points: tuple[ProbePoint, ...]
    notes: tuple[str, ...] = ()
    reason: str | None = None
    suggestion: str | None = None
    remarks: tuple[str, ...] = ()
    covered: bool = False
    elsewhere: bool = False


def match(
    pattern: Pattern, *, compat: bool = True, named: Callable[[], Sequence[Pattern]] = tuple
) -> Matches:
    """All probes of a description, in listing order.

    With `compat`, names of other systems stand for what Linux has instead, and a kernel function
    that was renamed or inlined is looked for under the name it has now (`-x compat=none` turns
    that off).  `named` gives all descriptions of the program.
    """
    providers = _providers(pattern)
    if not providers:
        return _unknown_provider(pattern)
    points: list[ProbePoint] = []
    for provider in providers:
        points.extend(provider.match(pattern))
    if compat and pattern.provider == "syscall" and pattern.function:
        found = _system_calls(pattern, points, named)
        if found is not None:
            return found
    notes: tuple[str, ...] = ()
    if compat and _may_be_function(pattern):
        from dscript.providers.compat import with_renamed

        points, notes = with_renamed(pattern, points, _provider("fbt"))
    if points:
        return Matches(tuple(points), (*notes, *_left_out(pattern, points)))
    if compat and len(providers) == 1:
        from dscript.providers.otherkernels import plain

        better = plain(pattern)
        points = list(providers[0].match(better)) if better is not None else []
        if points:
            remark = f"{pattern}: module and function are of another system; taken as {better}"
            return Matches(tuple(points), remarks=(f"{remark}; -x compat=none turns this off",))
    reason = None
    if len(providers) == 1 or pattern.module or pattern.function:  # else it could be anyone's
        reason = next((text for p in providers if (text := p.missing(pattern))), None)
    return Matches((), notes, reason, _suggestion(pattern, providers))


def _system_calls(
    pattern: Pattern, points: Sequence[ProbePoint], named: Callable[[], Sequence[Pattern]]
) -> Matches | None:
    """With what the names stand for on other systems; None where none of them is such a name."""
    from dscript.providers.aliases import with_aliases
    from dscript.providers.syscall import matches_module

    if not matches_module(pattern):
        return None
    found, remarks, reason = with_aliases(pattern, points, named)
    if not remarks:
        return None
    nothing = not found
    return Matches(
        tuple(found),
        reason=reason if nothing else None,
        remarks=tuple(remarks),
        covered=nothing and reason is None,
        elsewhere=nothing and reason is not None,
    )


def is_provider(name: str) -> bool:
    """Whether there is a provider of this name."""
    return name in _MODULES or name in _ALIASES or name in _USER_MODULES


def listing(pattern: Pattern) -> Matches:
    """The probes `-l` prints: as `match`, without looking for renamed functions.

    Every provider takes in those that running processes define.
    """
    found = match(pattern, compat=False)
    if pattern.provider.strip("*"):
        return found
    from dscript.providers.usdt import in_processes

    defined = tuple(in_processes(pattern))
    return Matches((*found.points, *defined), found.notes) if defined else found


def by_id(number: int) -> Matches:
    """The probe that `-l` shows under this ID (`-i`)."""
    found = listing(Pattern("", "", "", "")).points
    return Matches(tuple(point for point in found if point.probe.id == number))


def arguments(point: ProbePoint) -> Sequence[ArgumentType]:
    """Types of `args[]` of a matched probe."""
    derived = point.attach.derived
    if derived is not None:
        return tuple(ArgumentType("", d_type) for d_type, _ in derived.arguments)
    name = "usdt" if point.attach.context == "usdt" else point.probe.provider
    return _provider(name).arguments(point)


def enter_go(points: Sequence[ProbePoint]) -> bool:
    """Whether these are entries of functions of Go programs, so that Go passes `arg0`, …"""
    if not points or any(p.attach.context != "uprobe" or p.probe.name != "entry" for p in points):
        return False
    from dscript.providers import usercode

    return usercode.enter_go(points)


def untyped(point: ProbePoint) -> str | None:
    """Why a probe of user code has no `args[]`; None where there is no more to say."""
    if point.attach.context not in ("uprobe", "ureturn"):
        return None
    from dscript.providers import usercode

    return usercode.untyped(point)


def descriptions() -> list[tuple[str, Sequence[Described]]]:
    """What each provider says of its probes, in the order of `-l`."""
    return [(name, _provider(name).described()) for name in (*_MODULES, *_USER_MODULES)]


_loaded: dict[str, Provider] = {}


def _provider(name: str) -> Provider:
    name = _family(name)
    found = _loaded.get(name)
    if found is None:
        file = _MODULES.get(name) or _USER_MODULES[name]
        module = import_module(f"dscript.providers.{file}")
        found = _loaded[name] = module.PROVIDER
    return found


def _family(provider: str) -> str:
    """The name without a process's number: `pid` of `pid1234`."""
    return "pid" if _PROCESS.fullmatch(provider) else provider


def _providers(pattern: Pattern) -> list[Provider]:
    """The providers a description can mean; none when its first field names no provider.

    `BEGIN` and `tick-1s` without a provider mean those probes and nothing else: no kernel
    event has such a name, and asking every provider would cost a scan of BTF and tracefs.
    """
    names = [name for name in _MODULES if pattern.matches_provider(name)]
    if _family(pattern.provider) in _USER_MODULES and pattern.provider != "pid":
        names = [_family(pattern.provider)]
    elif pattern.module.startswith("/") or (
        not names and (is_glob(pattern.provider) or _of_process(pattern.provider))
    ):
        names = ["usdt"]  # what a program defines: python1234, hotspot*
    if not names and pattern.provider in _ALIASES:
        names = [_ALIASES[pattern.provider]]
    if len(names) > 1:
        if pattern.name in ("BEGIN", "END", "ERROR"):
            names = [name for name in names if name == "dtrace"] or names
        elif pattern.name.startswith(("tick-", "profile-")):
            names = [name for name in names if name == "profile"] or names
    return [_provider(name) for name in names]


def _of_process(provider: str) -> bool:
    """Whether a name ends in the number of a process: python1234, but not nfsv3."""
    from dscript.providers.absent import is_absent

    return provider[-1:].isdigit() and not is_absent(provider)


def _may_be_function(pattern: Pattern) -> bool:
    return bool(pattern.function) and (pattern.provider in ("", "fbt", "kprobe", "kretprobe"))


def _left_out(pattern: Pattern, points: Sequence[ProbePoint]) -> tuple[str, ...]:
    """A line about kernel functions that a glob names and that cannot be told apart."""
    if not points:
        return ()
    if _family(pattern.provider) in ("pid", "uprobe", "uretprobe"):
        from dscript.providers.usercode import left_out

        count = left_out(pattern)
        what = "1 instruction was" if count == 1 else f"{count} instructions were"
        them = "it" if count == 1 else "them"
        why = f"{what} left out of {pattern}: the kernel refuses to probe {them}"
        return (why,) if count else ()
    if pattern.provider not in ("fbt", "kprobe", "kretprobe"):
        return ()
    count = _provider("fbt").left_out(pattern)  # type: ignore[attr-defined]
    if not count:
        return ()
    what = "1 function was" if count == 1 else f"{count} functions were"
    return (f"{what} left out of {pattern}: others have the same name",)


def _unknown_provider(pattern: Pattern) -> Matches:
    from dscript.providers.absent import explain
    from dscript.providers.runtimes import nearest as nearest_of_runtime

    known = (*_MODULES, *_ALIASES)
    reason = explain(pattern.provider) or nearest_of_runtime(pattern.provider)
    close = None if reason else nearest(pattern.provider, known)
    if close is None:
        return Matches((), (), reason)
    better = Pattern(close, pattern.module, pattern.function, pattern.name)
    return Matches((), (), reason, f"did you mean {better}?")


def _suggestion(pattern: Pattern, providers: Sequence[Provider]) -> str | None:
    """A near miss for the description, asked of its provider alone (scanning all costs time)."""
    if len(providers) != 1:
        return None
    written, names = providers[0].candidates(pattern)
    close = nearest(written, names) if written and written not in names else None
    if close is None:
        return None
    fields = [pattern.provider, pattern.module, pattern.function, pattern.name]
    if written not in fields:
        return None
    fields[len(fields) - 1 - fields[::-1].index(written)] = close
    return f"did you mean {':'.join(fields)}?"
