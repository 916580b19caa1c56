"""The sdt provider: the kernel's static tracepoints as `sdt:CATEGORY::NAME`.

They attach as raw tracepoints, which cost least and detach at once; `args[]` are the
tracepoint's own arguments.  The events of category syscalls are no tracepoints of their own
(the kernel makes them from sys_enter and sys_exit), so they attach through perf and `args[]`
are the fields of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from dscript.kernel import tracefs
from dscript.program import Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Derived,
    Described,
    Pattern,
    ProbePoint,
    is_glob,
)
from dscript.providers.derived import DerivedProvider, Row

_FIRST_ID = 3000
# Categories whose events exist only as perf events.
_RECORDED = ("syscalls", "ftrace")


# The probes of Solaris that Linux has under another name; arg0 is never NULL for a device.
_INTERRUPT = (("struct irqaction *", "action"), ("int", "irq"))
_MADE = DerivedProvider(
    "sdt",
    17_100,
    (
        Row(
            "interrupt-start",
            "irq_handler_entry",
            Derived(("irq", "action"), "", _INTERRUPT),
            exactness="each handler of a shared interrupt; those of the CPU itself (timers, "
            "calls) do not count; `stringof(args[0]->name)` is the device",
        ),
        Row(
            "interrupt-complete",
            "irq_handler_exit",
            Derived(("irq", "action", "ret"), "", (*_INTERRUPT, ("int", "ret"))),
            exactness="as `interrupt-start`; `args[2]` is not 0 if the interrupt was the device's",
        ),
    ),
    {},
)


class _Sdt:
    names = ("sdt", "tracepoint")

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        if pattern.function.strip("*"):
            return []
        made = [] if pattern.provider == "tracepoint" else _MADE.match(pattern)
        return [*made] + [
            _point(number, category, name)
            for number, (category, name) in enumerate(_listed(), _FIRST_ID)
            if pattern.matches_name(name) and pattern.matches_module(category)
        ]

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        if point.attach.context == "raw_tp":
            from dscript.providers import tracepoints

            return tracepoints.arguments(point.probe.name)
        fields = tracefs.fields(point.probe.module, point.probe.name) or ()
        return tuple(
            ArgumentType(f.name, f.type, -1, f.offset, f.size, f.signed)
            for f in fields
            if not f.common and f.name != "__syscall_nr"
        )

    def missing(self, pattern: Pattern) -> str | None:
        if tracefs.root() is None:
            return (
                "tracefs is not mounted and cannot be (CAP_SYS_ADMIN is needed), so tracepoints "
                "cannot be listed; rawtp:::NAME names one without it"
            )
        if pattern.module and not is_glob(pattern.module) and not is_glob(pattern.name):
            others = [c for c, name in _listed() if name == pattern.name]
            if others:
                return (
                    f"tracepoint {pattern.name} is in category {others[0]}: sdt:{others[0]}::"
                    + (pattern.name)
                )
        return None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        categories = {category for category, _name in _listed()}
        if not is_glob(pattern.module) and pattern.module not in categories:
            return pattern.module, sorted(categories)
        if is_glob(pattern.name):
            return "", ()
        return pattern.name, [n for c, n in _listed() if pattern.matches_module(c)]

    def described(self) -> Sequence[Described]:
        return (
            *_MADE.described(),
            Described(
                "every tracepoint, those of modules too; the category is the module field",
                "raw tracepoint",
                "from BTF",
                "the names are Linux' own",
                "`rawtp:::NAME` where tracefs cannot be read",
            ),
            Described(
                "`sdt:syscalls::`",
                "perf event",
                "the fields of the format file",
                "the names are Linux' own",
                "`syscall:::`, which costs less",
            ),
        )


@lru_cache(maxsize=1)
def _listed() -> list[tuple[str, str]]:
    return [pair for pair in tracefs.events() if pair[0] != "ftrace"]


def _point(number: int, category: str, name: str) -> ProbePoint:
    probe = Probe(number, "sdt", category, "", name)
    if category in _RECORDED:
        return ProbePoint(probe, AttachPoint("perf_tp", f"{category}/{name}", "perf_tp"))
    return ProbePoint(probe, AttachPoint("raw_tp", name, "raw_tp"))


PROVIDER = _Sdt()
