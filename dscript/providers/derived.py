"""What providers share whose probes are made from events of another name and meaning.

A probe is a row: the tracepoint or kernel function, when it counts, and what its arguments
are, as D over the event's own arguments (`base.Derived`).  One probe may have several rows;
a row may have another to stand in where the kernel lacks its event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dscript.program import Probe
from dscript.providers import sources
from dscript.providers.base import (
    ArgumentType,
    Derived,
    Described,
    Pattern,
    ProbePoint,
    SourceKind,
    is_glob,
)

_MODULE = "vmlinux"


@dataclass(frozen=True, slots=True)
class Row:
    """A probe of the provider, and one event it comes from: by default a tracepoint.

    `when` is the condition in words; it, `exactness` and `fallback` are as in `Described`, for
    docs/providers.md.  With `kind` "entry" or "return" the event is that of a kernel function
    named `tracepoint`.  `needs` are kernel names that the D uses and some kernels lack
    (`struct.member`, enumeration constants; `!NAME`: one that it must lack); `otherwise` is the
    row to take without them or without the event.  `module` is the one that has the event
    unless the kernel itself does.
    """

    name: str
    tracepoint: str
    derived: Derived
    when: str = ""
    exactness: str = "exact"
    fallback: str = ""
    kind: SourceKind = "tracepoint"
    needs: tuple[str, ...] = ()
    otherwise: Row | None = None
    module: str = ""

    def unavailable(self) -> str | None:
        """Why this kernel lacks the event; None when it has it."""
        if self.module and not sources.may_have(self.module):
            return f"module {self.module} is not loaded"
        sources_of = [(self.kind, self.tracepoint, self.needs)]
        sources_of += [(step.kind, step.target, ()) for step in self.derived.steps]
        return next((why for source in sources_of if (why := sources.unavailable(*source))), None)

    def offered(self) -> Row | None:
        """This row or the first to stand in for it that the kernel offers."""
        row: Row | None = self
        while row is not None and row.unavailable():
            row = row.otherwise
        return row


class DerivedProvider:
    """`rows` in the order of listing; `absent` says of known names why they do not exist."""

    def __init__(
        self, name: str, first_id: int, rows: Sequence[Row], absent: Mapping[str, str]
    ) -> None:
        self.names = (name,)
        self._name = name
        self._rows = rows
        self._absent = absent
        numbers = dict.fromkeys(row.name for row in rows)
        self._ids = {probe: first_id + at for at, probe in enumerate(numbers)}

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        if pattern.function.strip("*") or not pattern.matches_module(_MODULE):
            return []
        named = (row for row in self._rows if pattern.matches_name(row.name))
        return [self._point(row) for row in (r.offered() for r in named) if row is not None]

    def _point(self, row: Row) -> ProbePoint:
        probe = Probe(self._ids[row.name], self._name, _MODULE, "", row.name)
        return ProbePoint(probe, sources.attach_point(row.kind, row.tracepoint, row.derived))

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        derived = point.attach.derived
        assert derived is not None
        return tuple(ArgumentType("", d_type) for d_type, _ in derived.arguments)

    def missing(self, pattern: Pattern) -> str | None:
        if pattern.name in self._absent:
            return self._absent[pattern.name]
        named = [row for row in self._rows if pattern.matches_name(row.name)]
        if not named or is_glob(pattern.name):
            return None
        reason = named[0].unavailable()
        near = f"; nearest: {named[0].fallback}" if named[0].fallback else ""
        return f"{reason}{near}" if reason else None

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        return pattern.name, tuple(self._ids)

    def described(self) -> Sequence[Described]:
        rows: dict[str, list[Row]] = {}
        for row in self._rows:
            rows.setdefault(row.name, []).append(row)
        return (
            *(_described(name, of_probe) for name, of_probe in rows.items()),
            *(Described(f"`{n}`", "none", "", "absent", why) for n, why in self._absent.items()),
        )


def _described(name: str, rows: Sequence[Row]) -> Described:
    """One line for a probe, which may come from several tracepoints."""
    events = []
    for row in rows:
        events.append(_event(row))
        other = row.otherwise
        while other is not None:
            events[-1] += f", else {_event(other)}"
            other = other.otherwise
    first = rows[0]
    return Described(
        f"`{name}`",
        "; ".join(events),
        ", ".join(f"`{d_type}`" for d_type, _ in first.derived.arguments),
        first.exactness,
        first.fallback,
    )


def _event(row: Row) -> str:
    what = {"tracepoint": "", "perf": "", "entry": "entry of ", "return": "return of "}[row.kind]
    call = "()" if row.kind in ("entry", "return") else ""
    return f"{what}`{row.tracepoint}{call}`" + (f", {row.when}" if row.when else "")
