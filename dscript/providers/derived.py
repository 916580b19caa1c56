"""What providers share whose probes are made from tracepoints of another name and meaning.

A probe is a row: the tracepoint, when it counts, and what its arguments are, as D over the
tracepoint's own arguments (`base.Derived`).  One probe may have several rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dscript.kernel import btf
from dscript.program import Probe
from dscript.providers.base import (
    ArgumentType,
    AttachPoint,
    Derived,
    Described,
    Pattern,
    ProbePoint,
)

# Scripts name the Solaris modules that hold these probes; there is one kernel here.
_MODULES = ("vmlinux", "genunix", "unix")


@dataclass(frozen=True, slots=True)
class Row:
    """A probe of the provider, and one tracepoint it comes from.

    `when` is the condition in words; it, `exactness` and `fallback` are as in `Described`, for
    docs/providers.md.
    """

    name: str
    tracepoint: str
    derived: Derived
    when: str = ""
    exactness: str = "exact"
    fallback: str = ""


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
        if pattern.function.strip("*") or not any(map(pattern.matches_module, _MODULES)):
            return []
        return [
            self._point(row)
            for row in self._rows
            if pattern.matches_name(row.name) and _exists(row.tracepoint)
        ]

    def _point(self, row: Row) -> ProbePoint:
        probe = Probe(self._ids[row.name], self._name, _MODULES[0], "", row.name)
        # The task of another thread is only a pointer to the kernel where types are kept.
        kind = "raw_tp" if row.derived.subject < 0 else "tp_btf"
        return ProbePoint(
            probe,
            AttachPoint(kind, row.tracepoint, kind, derived=row.derived),  # type: ignore[arg-type]
        )

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        derived = point.attach.derived
        assert derived is not None
        return tuple(ArgumentType("", d_type) for d_type, _ in derived.arguments)

    def missing(self, pattern: Pattern) -> str | None:
        if pattern.name in self._absent:
            return self._absent[pattern.name]
        lacking = [r.tracepoint for r in self._rows if pattern.matches_name(r.name)]
        if lacking and not _exists(lacking[0]):
            return f"this kernel has no tracepoint {lacking[0]}, or no type information of it"
        return None

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
    events = (f"`{r.tracepoint}`" + (f", {r.when}" if r.when else "") for r in rows)
    first = rows[0]
    return Described(
        f"`{name}`",
        "; ".join(events),
        ", ".join(f"`{d_type}`" for d_type, _ in first.derived.arguments),
        first.exactness,
        first.fallback,
    )


def _exists(tracepoint: str) -> bool:
    return btf.find(btf.Kind.TYPEDEF, f"btf_trace_{tracepoint}") is not None
