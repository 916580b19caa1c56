"""The syscall provider: entry and return of every system call (manual, chapter "syscall Provider").

All probes hang on the raw tracepoints sys_enter and sys_exit; the system call number is the
selector, so any number of probes costs two links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dscript.kernel import syscalls
from dscript.program import Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Described,
    Pattern,
    ProbePoint,
    Shape,
    is_glob,
)

MODULE = "vmlinux"
_FIRST_ID = 10
# What other systems have in the module's place.
_MODULES = (MODULE, "genunix", "mach_kernel", "freebsd")


class _Syscall:
    names = ("syscall",)

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        entry, exit_ = pattern.matches_name("entry"), pattern.matches_name("return")
        if not matches_module(pattern) or not (entry or exit_):
            return []
        table = syscalls.table()
        if is_glob(pattern.function):
            found = [name for name in table if pattern.matches_function(name)]
        else:
            found = [pattern.function] if pattern.function in table else []
        kinds = (*(["entry"] if entry else []), *(["return"] if exit_ else []))
        return [point(name, kind) for name in found for kind in kinds]

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        """From the format file of the call's own tracepoint, where tracefs can be read."""
        from dscript.kernel import tracefs

        if point.attach.context == "syscall_return":
            return (ArgumentType("ret", "long", 0, size=8, signed=True),) * 2
        shape = point.attach.shape
        name = point.probe.function
        if shape is not None and name not in syscalls.table():
            name = shape.call
        event = f"sys_enter_{_TRACEPOINT_NAMES.get(name, name)}"
        fields = tracefs.fields("syscalls", event)
        if fields is None and tracefs.root() is None:
            return (_UNKNOWN,) * 6
        wanted = [f for f in fields or () if not f.common and f.name != "__syscall_nr"]
        types = tuple(ArgumentType(f.name, f.type, i) for i, f in enumerate(wanted))
        return types if shape is None or name != shape.call else _rearranged(types, shape)

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
# One that stands for an argument which the call does not have.
_NUMBER = ArgumentType("", "long")

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


def matches_module(pattern: Pattern) -> bool:
    return any(map(pattern.matches_module, _MODULES))


def point(name: str, kind: str) -> ProbePoint:
    """`entry` or `return` of a system call of this machine."""
    number = syscalls.table()[name]
    if kind == "entry":
        probe = Probe(_FIRST_ID + 2 * number, "syscall", MODULE, name, kind)
        return ProbePoint(probe, AttachPoint("raw_tp", "sys_enter", "syscall_entry", 0, number))
    probe = Probe(_FIRST_ID + 2 * number + 1, "syscall", MODULE, name, kind)
    return ProbePoint(probe, AttachPoint("raw_tp", "sys_exit", "syscall_return", 0, number))


def _rearranged(types: Sequence[ArgumentType], shape: Shape) -> tuple[ArgumentType, ...]:
    """Types of the arguments as they are shown."""
    if shape.arguments is None:
        return tuple(types)
    shown = []
    for at, place in enumerate(shape.arguments):
        known = isinstance(place, int) and place < len(types)
        shown.append(replace(types[place], word=at) if known else _NUMBER)  # type: ignore[index]
    return tuple(shown)


PROVIDER = _Syscall()
