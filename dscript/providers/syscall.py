"""The syscall provider: entry and return of every system call (manual, chapter "syscall Provider").

All probes hang on the raw tracepoints sys_enter and sys_exit; the system call number is the
selector, so any number of probes costs two links.
"""

from __future__ import annotations

from collections.abc import Sequence

from dscript.kernel import syscalls
from dscript.program import Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)

MODULE = "vmlinux"
_FIRST_ID = 10


class _Syscall:
    names = ("syscall",)

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        entry, exit_ = pattern.matches_name("entry"), pattern.matches_name("return")
        if not pattern.matches_module(MODULE) or not (entry or exit_):
            return []
        table = syscalls.table()
        if is_glob(pattern.function):
            found = [name for name in table if pattern.matches_function(name)]
        else:
            found = [pattern.function] if pattern.function in table else []
        points: list[ProbePoint] = []
        for name in found:
            number = table[name]
            if entry:
                points.append(_entry(name, number))
            if exit_:
                points.append(_return(name, number))
        return points

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        """From the format file of the call's own tracepoint, where tracefs can be read."""
        from dscript.kernel import tracefs

        number = point.attach.selector
        if point.attach.context == "syscall_return":
            return (ArgumentType("ret", "long", 0, size=8, signed=True),) * 2
        event = f"sys_enter_{_TRACEPOINT_NAMES.get(point.probe.function, point.probe.function)}"
        fields = tracefs.fields("syscalls", event) if number is not None else None
        if fields is None and tracefs.root() is None:
            return (_UNKNOWN,) * 6
        wanted = [f for f in fields or () if not f.common and f.name != "__syscall_nr"]
        return tuple(ArgumentType(f.name, f.type, i) for i, f in enumerate(wanted))

    def missing(self, pattern: Pattern) -> str | None:
        return None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        if not is_glob(pattern.function) and pattern.function not in syscalls.table():
            return pattern.function, tuple(syscalls.table())
        return pattern.name, ("entry", "return")

    def described(self) -> Sequence[Described]:
        typed = "from the format file of the call's tracepoint; only `argN` without tracefs"
        result = "`args[0]`, `args[1]`: the result, -1 on error; `errno`"
        return (
            Described("`entry`", "raw tracepoint `sys_enter`, by the call's number", typed),
            Described("`return`", "raw tracepoint `sys_exit`, by the call's number", result),
        )


# An argument whose type only tracefs could tell.
_UNKNOWN = ArgumentType("", "")

# Tracepoints are named after the function that implements the call.
_TRACEPOINT_NAMES = {
    "stat": "newstat",
    "fstat": "newfstat",
    "lstat": "newlstat",
    "uname": "newuname",
    "umount2": "umount",
    "sendfile": "sendfile64",
    "fadvise64": "fadvise64",
}


def _entry(name: str, number: int) -> ProbePoint:
    probe = Probe(_FIRST_ID + 2 * number, "syscall", MODULE, name, "entry")
    return ProbePoint(probe, AttachPoint("raw_tp", "sys_enter", "syscall_entry", 0, number))


def _return(name: str, number: int) -> ProbePoint:
    probe = Probe(_FIRST_ID + 2 * number + 1, "syscall", MODULE, name, "return")
    return ProbePoint(probe, AttachPoint("raw_tp", "sys_exit", "syscall_return", 0, number))


PROVIDER = _Syscall()
