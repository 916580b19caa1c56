"""Aggregations as text: DTrace's default layout, and printa() with a format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dscript.aggregates import AggregationState, Entry, Key, KeyValue, SortOrder, divide, join
from dscript.output import histograms
from dscript.output.formatting import Value, compile_format, helpers
from dscript.output.packed import PACKABLE, PackedRow
from dscript.output.stacks import StackWriter
from dscript.output.values import INTEGER_DIRECTIVES, KEY_WIDTH, traced_bytes, traced_text
from dscript.program import Conversion, Field

DISTRIBUTIONS = frozenset({"quantize", "lquantize", "llquantize"})
# What agghist draws bars for.
_SUMS = frozenset({"count", "sum", "avg", "stddev"})
# Columns of keys beside bars: integers by their size, anything else this wide.
_PACKED_WIDTHS = {1: 3, 2: 5, 4: 8, 8: 16}
_PACKED_WIDTH = 16


class Layout(NamedTuple):
    """Options that shape how aggregations look."""

    order: SortOrder = SortOrder()
    zoom: bool = False
    histogram: bool = False  # agghist: bars beside scalar values
    packed: bool = False  # aggpack: a distribution on one line
    encoding: str = ""  # ascii or utf8
    raw_bytes: bool = False
    strsize: int = 256  # bytes of a string that is shown as a table


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
        if len(states) == 1 and rows:
            function = states[0].spec.function
            if self.layout.packed and function in PACKABLE:
                return self._packed(states[0], rows)
            if self.layout.histogram and function in _SUMS:
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
        if kind == "string":
            layout = self.layout
            return traced_text(part, KEY_WIDTH, False, layout.raw_bytes, layout.strsize)
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
        layout = self.layout
        return histograms.histogram(state.spec, words, state.divisor, layout.zoom, layout.encoding)

    def _bars(
        self, state: AggregationState, rows: Sequence[tuple[Key, tuple[Entry | None, ...]]]
    ) -> bytes:
        """agghist: one row a key with a bar for its share."""
        counts = [state.number(entries[0]) for _, entries in rows]
        total = histograms.scale(counts, self.layout.zoom)
        signs = (any(c > 0 for c in counts), any(c < 0 for c in counts))
        width = _key_columns(state)
        out = [histograms.heading("key", width) if width else histograms.heading()]
        for (key, _), count in zip(rows, counts, strict=True):
            picture = histograms.bar(count, total, *signs, self.layout.encoding)
            out.append(b"%s %s %-9d\n" % (self._packed_key(state, key), picture, count))
        return b"".join(out)

    def _packed(
        self, state: AggregationState, rows: Sequence[tuple[Key, tuple[Entry | None, ...]]]
    ) -> bytes:
        """aggpack: one line a key, all on the same scale of buckets."""
        words = [entries[0].words for _, entries in rows if entries[0] is not None]
        layout = self.layout
        row = PackedRow(state.spec, words, _key_columns(state), layout.zoom, layout.encoding)
        out = [row.heading()]
        for (key, _), part in zip(rows, words, strict=True):
            count = divide(sum(part), state.divisor)
            out.append(self._packed_key(state, key) + row.line(part, count))
        return b"".join(out)

    def _packed_key(self, state: AggregationState, key: Key) -> bytes:
        """The key columns beside bars: right-aligned, a blank before each."""
        out = b""
        for item, part in zip(state.spec.keys, key, strict=True):
            if item.kind == "int":
                out += INTEGER_DIRECTIVES[item.size] % (part,)
            elif item.kind in ("stack", "ustack"):
                out += self.key_text(item, part)
            else:
                out += b" %*s" % (_PACKED_WIDTH, self.plain_key(item, part))
        return out

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


def _key_columns(state: AggregationState) -> int:
    """Width of all keys beside bars, 0 without a key."""
    keys = state.spec.keys
    widths = (_PACKED_WIDTHS[f.size] if f.kind == "int" else _PACKED_WIDTH for f in keys)
    return sum(width + 1 for width in widths)
