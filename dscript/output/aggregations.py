"""Aggregations as text: DTrace's default layout, and printa() with a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dscript.aggregates import AggregationState, Entry, Key, KeyValue, SortOrder, divide, join
from dscript.output import histograms
from dscript.output.formatting import Value, compile_format, helpers
from dscript.output.packed import PackedRow
from dscript.output.stacks import StackWriter
from dscript.output.values import INTEGER_DIRECTIVES, KEY_WIDTH, traced_bytes
from dscript.program import Conversion, Field

DISTRIBUTIONS = frozenset({"quantize", "lquantize", "llquantize"})


class Layout(NamedTuple):
    """Options that shape how aggregations look."""

    order: SortOrder = SortOrder()
    zoom: bool = False
    histogram: bool = False  # agghist: bars beside scalar values
    packed: bool = False  # aggpack: a distribution on one line
    raw_bytes: bool = False


class AggregationWriter:
    """Text of whole aggregations; holds no data of its own but compiled formats."""

    def __init__(self, stacks: StackWriter, layout: Layout) -> None:
        self.stacks = stacks
        self.layout = layout
        self._symbols = stacks.symbol_functions()
        self._helpers = helpers(stacks)

    def table(self, states: Sequence[AggregationState]) -> bytes:
        """The default layout: key columns, then one value (or picture) for each state."""
        rows = join(states, self.layout.order)
        distribution = any(state.spec.function in DISTRIBUTIONS for state in states)
        if len(states) == 1 and rows:
            if distribution and self.layout.packed:
                return self._packed(states[0], rows)
            if not distribution and self.layout.histogram:
                return self._bars(states[0], rows)
        fields = states[0].spec.keys
        out: list[bytes] = []
        for key, entries in rows:
            out += [self.key_text(f, part) for f, part in zip(fields, key, strict=True)]
            out += [self.value_text(s, e) for s, e in zip(states, entries, strict=True)]
            out.append(b"\n")
        return b"".join(out)

    def key_text(self, item: Field, part: KeyValue) -> bytes:
        """One part of a key as trace() would show it, at the width of keys."""
        kind = item.kind
        if kind == "int":
            return INTEGER_DIRECTIVES[item.size] % (part,)
        if kind == "stack":
            return self.stacks.kernel_stack(part)
        if kind == "ustack":
            return self.stacks.user_stack(part)
        if kind == "float":
            return b" %16f" % part
        if kind == "bytes":
            return traced_bytes(part, KEY_WIDTH, False, self.layout.raw_bytes)
        return b"  %-*s" % (KEY_WIDTH, self.plain_key(item, part))

    def plain_key(self, item: Field, part: KeyValue) -> bytes:
        """One part of a key without padding, on one line."""
        kind = item.kind
        if kind in ("int", "float"):
            return b"%d" % part if kind == "int" else b"%f" % part
        if kind in self._symbols:
            return bytes(self._symbols[kind](part))
        if kind in ("stack", "ustack"):
            write = self.stacks.kernel_stack if kind == "stack" else self.stacks.user_stack
            return b" ".join(write(part, 0).split())
        if kind == "bytes":
            return traced_bytes(part, 0, True, self.layout.raw_bytes).strip()
        return bytes(part)

    def value_text(self, state: AggregationState, entry: Entry | None) -> bytes:
        if state.spec.function in DISTRIBUTIONS:
            return self.picture(state, entry)
        return b" %16d" % state.number(entry)

    def picture(self, state: AggregationState, entry: Entry | None) -> bytes:
        words = [0] * state.spec.value_words if entry is None else entry.words
        return histograms.histogram(state.spec, words, state.divisor, self.layout.zoom)

    def _bars(
        self, state: AggregationState, rows: Sequence[tuple[Key, tuple[Entry | None, ...]]]
    ) -> bytes:
        """agghist: one row a key with a bar for its share."""
        names = [self._name(state, key) for key, _ in rows]
        width = _key_column(names)
        counts = [state.number(entries[0]) for _, entries in rows]
        total = histograms.scale(counts, self.layout.zoom)
        signs = (any(c > 0 for c in counts), any(c < 0 for c in counts))
        out = [histograms.heading("key", width)]
        for name, count in zip(names, counts, strict=True):
            picture = histograms.bar(count, total, *signs)
            out.append(b"%*s %s %-9d\n" % (width, name, picture, count))
        return b"".join(out)

    def _packed(
        self, state: AggregationState, rows: Sequence[tuple[Key, tuple[Entry | None, ...]]]
    ) -> bytes:
        """aggpack: one line a key, all on the same scale of buckets."""
        names = [self._name(state, key) for key, _ in rows]
        words = [entries[0].words for _, entries in rows if entries[0] is not None]
        # Without a key there is no column for it.
        width = _key_column(names) if state.spec.keys else 0
        row = PackedRow(state.spec, words, width, self.layout.zoom)
        out = [row.heading()]
        for name, part in zip(names, words, strict=True):
            out.append(row.line(name, part, divide(sum(part), state.divisor)))
        return b"".join(out)

    def _name(self, state: AggregationState, key: Key) -> bytes:
        fields = state.spec.keys
        return b" ".join(self.plain_key(f, part) for f, part in zip(fields, key, strict=True))

    def compile(
        self, conversions: Sequence[Conversion], states: Sequence[AggregationState]
    ) -> Callable[[], bytes]:
        """printa() with a format: a function that gives the text of all rows."""
        first = states[0].spec
        values = [Value(f"key[{i}]", f.kind, f.size, f.signed) for i, f in enumerate(first.keys)]
        totals = [
            Value(f"picture(state[{i}], entry[{i}])", "histogram")
            if state.spec.function in DISTRIBUTIONS
            else Value(f"state[{i}].number(entry[{i}])", "int", 8, state.spec.signed)
            for i, state in enumerate(states)
        ]
        template, expressions = compile_format(conversions, values, totals)
        names: dict[str, Any] = {
            **self._helpers,
            "template": template,
            "picture": self.picture,
            "state": tuple(states),
        }
        inside = "".join(f"{e}, " for e in expressions)
        exec(f"def row(key, entry):\n    return template % ({inside})\n", names)
        row: Callable[[Key, tuple[Entry | None, ...]], bytes] = names["row"]

        def text() -> bytes:
            return b"".join([row(key, e) for key, e in join(states, self.layout.order)])

        return text


def _key_column(names: Sequence[bytes]) -> int:
    """Width of the keys beside bars: 16 or what the longest needs, and a blank before."""
    return 1 + max(16, *map(len, names))
