"""Totals of an aggregation in user space: merging, normalising, truncating, sorting.

The runtime hands over what it drained from the kernel (`AggregationState.merge`), the
output reads it in DTrace's order (`sort_entries`, `join`).  Value words are those of
`program.Aggregation`, already combined over the CPUs of one drain.  What each
operation does to the data is the manual's chapter "Aggregations".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any, NamedTuple, TypeAlias

from dscript.program import Aggregation, Field, Probe

# A decoded key: int, float, bytes (strings cut at NUL, probe names), or a tuple of ints
# (stacks: addresses; user stacks and symbols: tgid, pid, then addresses).
KeyValue: TypeAlias = Any
Key: TypeAlias = tuple[KeyValue, ...]

QUANTIZE_BUCKETS = 127
QUANTIZE_ZERO = 63
_MASK = (1 << 64) - 1
_MASK128 = (1 << 128) - 1


def signed64(value: int) -> int:
    """The low 64 bits of a number, read as a signed one."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


def quantize_bucket(index: int) -> int:
    """The value that stands for a quantize bucket: its bound nearest to zero."""
    if index == QUANTIZE_ZERO:
        return 0
    if index > QUANTIZE_ZERO:
        return 1 << (index - QUANTIZE_ZERO - 1)
    return -(1 << (QUANTIZE_ZERO - 1 - index))


def llquantize_bounds(factor: int, low: int, high: int, steps: int) -> tuple[int, ...]:
    """Lower bounds of the inner buckets, then the bound of the overflow bucket.

    Every order of magnitude from `low` to `high` has `steps` linear buckets over the range
    from 0 to its end, less those that lie in the order below; a magnitude with fewer whole
    numbers than steps has one bucket for each.
    """
    bounds: list[int] = []
    start = factor**low
    for _ in range(low, high + 1):
        end = start * factor
        buckets = min(end, steps)
        width = end // buckets
        bounds.extend(start + i * width for i in range(buckets - buckets // factor))
        start = end
    bounds.append(start)
    return tuple(bounds)


def divide(value: int, by: int) -> int:
    """Integer division toward zero, as C has it."""
    return -(-value // by) if value < 0 else value // by


class Entry:
    """One key of an aggregation with its totals (`words`, Python integers, signed).

    Quantities wrap at 64 bits as the kernel's do, sums of squares at 128.
    """

    __slots__ = ("key", "words")

    def __init__(self, key: Key, words: list[int]) -> None:
        self.key = key
        self.words = words


class AggregationState:
    """All entries of one aggregation, and what printing has to know about it.

    `divisor` is what normalize() set (1: none).  `printed` says that printa() named it, which
    keeps it out of the tables at the end.
    """

    def __init__(self, spec: Aggregation, probes: Mapping[int, Probe]) -> None:
        self.spec = spec
        self.divisor = 1
        self.printed = False
        self.entries: dict[Key, Entry] = {}
        # Gets the words of every drain before they are added up.
        self.observer: Callable[[Sequence[int]], None] | None = None
        # Makes keys equal that name the same, whatever address of it they hold (`stacks.folding`).
        self.fold: Callable[[Key], Key] | None = None
        self._decode = compile_key(spec.keys, probes)
        self._decoded: dict[bytes, Key] = {}
        self._buckets = bucket_values(spec)

    def merge(self, key: bytes, words: Sequence[int]) -> None:
        """Add what one drain found under a key (raw map key, value words)."""
        if self.observer is not None:
            self.observer(words)
        decoded = self._decoded.get(key)
        if decoded is None:
            decoded = self._decode(key)
            if self.fold is not None:
                decoded = self.fold(decoded)
            self._decoded[key] = decoded
        entry = self.entries.get(decoded)
        if entry is None:
            fits = max(words) < 1 << 63 and min(words) >= -(1 << 63)
            fresh = list(words) if fits else [signed64(word) for word in words]
            self.entries[decoded] = Entry(decoded, fresh)
        else:
            _ADD[self.spec.function](entry.words, words, self.spec.signed)

    def clear(self) -> None:
        """Set every value to zero; keys and normalisation stay."""
        for entry in self.entries.values():
            entry.words = [0] * self.spec.value_words

    def truncate(self, count: int | None = None) -> None:
        """Keep the `count` greatest values (negative: the smallest); None drops all."""
        if not count:
            kept: list[Entry] = []
        else:
            ranked = sort_entries(self, SortOrder())
            kept = ranked[-count:] if count > 0 else ranked[:-count]
        self.entries = {entry.key: entry for entry in kept}
        self._decoded.clear()

    def normalize(self, divisor: int) -> None:
        """Divide what is printed from now on; the data stay as they are."""
        if divisor == 0:
            raise ZeroDivisionError("normalize() by zero")
        self.divisor = divisor

    def denormalize(self) -> None:
        self.divisor = 1

    def number(self, entry: Entry | None) -> int:
        """The scalar an entry prints as, normalised; 0 for a missing entry.

        For quantize kinds there is no such number: the sum of the counts is given.
        """
        if entry is None:
            return 0
        return self._number(entry.words, self.divisor)

    def _number(self, words: Sequence[int], divisor: int) -> int:
        function = self.spec.function
        if not self.spec.signed and function in ("sum", "min", "max", "avg"):
            words = [word & _MASK for word in words]
        return _NUMBER[function](words, divisor)

    def sort_value(self, entry: Entry | None) -> tuple[int, ...]:
        """What entries are ordered by: raw values, not normalised ones."""
        words = [0] * self.spec.value_words if entry is None else entry.words
        buckets = self._buckets
        if buckets is None:
            return (self._number(words, 1),)
        # Equal weighted sums are told apart by how much lies at zero.
        total = sum(value * count for value, count in zip(buckets, words, strict=False))
        at_zero = sum(c for value, c in zip(buckets, words, strict=False) if value == 0)
        return (total, at_zero)


def bucket_values(spec: Aggregation) -> tuple[int, ...] | None:
    """A representative value for every word of a quantize kind; None for the others."""
    if spec.function == "quantize":
        return tuple(quantize_bucket(i) for i in range(QUANTIZE_BUCKETS))
    if spec.function == "lquantize":
        base, _, step = spec.params[:3]
        levels = spec.value_words - 2
        inner = tuple(base + i * step for i in range(levels))
        return (base - 1, *inner, base + levels * step + 1)
    if spec.function == "llquantize":
        bounds = llquantize_bounds(*spec.params[:4])
        return (bounds[0] - 1, *bounds[:-1], bounds[-1] + 1)
    return None


def bucket_bounds(spec: Aggregation) -> list[tuple[int | None, int | None]]:
    """Smallest and greatest value of every word of a quantize kind, None where it is open."""
    if spec.function == "quantize":
        return [_quantize_bounds(i) for i in range(QUANTIZE_BUCKETS)]
    if spec.function == "lquantize":
        base, _, step = spec.params[:3]
        starts: Sequence[int] = [base + i * step for i in range(spec.value_words - 1)]
    else:
        starts = llquantize_bounds(*spec.params[:4])
    inner = [(low, end - 1) for low, end in pairwise(starts)]
    return [(None, starts[0] - 1), *inner, (starts[-1], None)]


def _quantize_bounds(index: int) -> tuple[int, int]:
    near = quantize_bucket(index)
    if near == 0:
        return 0, 0
    if near > 0:
        return near, 2 * near - 1
    return (2 * near + 1 if index else -(1 << 63)), near


def _add_words(total: list[int], words: Sequence[int], signed: bool) -> None:
    for i, word in enumerate(words):
        if word:
            total[i] = signed64(total[i] + word)


def _add_stddev(total: list[int], words: Sequence[int], signed: bool) -> None:
    squares = _squares(total) + _squares(words)
    total[0] = signed64(total[0] + words[0])
    total[1] = signed64(total[1] + words[1])
    total[2] = signed64(squares)
    total[3] = signed64(squares >> 64)


def _squares(words: Sequence[int]) -> int:
    return ((words[2] & _MASK) | (words[3] & _MASK) << 64) & _MASK128


def _keep(choose: Callable[[int, int], int]) -> Callable[[list[int], Sequence[int], bool], None]:
    def keep(total: list[int], words: Sequence[int], signed: bool) -> None:
        if not words[0]:
            return
        new = signed64(words[1])
        if not total[0]:
            total[1] = new
        elif signed:
            total[1] = choose(total[1], new)
        else:
            total[1] = signed64(choose(total[1] & _MASK, new & _MASK))
        total[0] = signed64(total[0] + words[0])

    return keep


_ADD: dict[str, Callable[[list[int], Sequence[int], bool], None]] = {
    "count": _add_words,
    "sum": _add_words,
    "avg": _add_words,
    "min": _keep(min),
    "max": _keep(max),
    "stddev": _add_stddev,
    "quantize": _add_words,
    "lquantize": _add_words,
    "llquantize": _add_words,
}


def _scalar(words: Sequence[int], divisor: int) -> int:
    return divide(words[0], divisor)


def _average(words: Sequence[int], divisor: int) -> int:
    return divide(divide(words[1], divisor), words[0]) if words[0] else 0


def _extreme(words: Sequence[int], divisor: int) -> int:
    return divide(words[1], divisor) if words[0] else 0


def _stddev(words: Sequence[int], divisor: int) -> int:
    """Square root of (average of squares - square of average), all in integers."""
    n = words[0]
    if not n:
        return 0
    squares = _squares(words) // n // (divisor * divisor)
    average = divide(divide(words[1], n), divisor)
    return isqrt(max(0, squares - average * average))


def _bucket_sum(words: Sequence[int], divisor: int) -> int:
    return divide(sum(words), divisor)


_NUMBER: dict[str, Callable[[Sequence[int], int], int]] = {
    "count": _scalar,
    "sum": _scalar,
    "avg": _average,
    "min": _extreme,
    "max": _extreme,
    "stddev": _stddev,
    "quantize": _bucket_sum,
    "lquantize": _bucket_sum,
    "llquantize": _bucket_sum,
}

_INT_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def compile_key(fields: Sequence[Field], probes: Mapping[int, Probe]) -> Callable[[bytes], Key]:
    """A function from a raw key to its tuple: one unpack, then what each field needs."""
    if not fields:
        return lambda key: ()
    layout = "<"
    at = 0
    for item in fields:
        layout += f"{item.offset - at}x" if item.offset > at else ""
        layout += field_code(item)
        at = item.offset + item.size
    unpack = struct.Struct(layout).unpack_from
    readers = [_field_reader(item, probes) for item in fields]
    if all(reader is None for reader in readers):
        return lambda key: unpack(key)

    def decode(key: bytes) -> Key:
        return tuple(
            raw if reader is None else reader(raw)
            for reader, raw in zip(readers, unpack(key), strict=True)
        )

    return decode


def field_code(item: Field) -> str:
    """The `struct` code of a field's bytes, as they are before decoding."""
    if item.kind in ("int", "sym", "mod", "func", "probe"):
        code = _INT_CODES[item.size]
        return code.lower() if item.kind == "int" and item.signed else code
    if item.kind == "float":
        return "f" if item.size == 4 else "d"
    return f"{item.size}s"


def _field_reader(item: Field, probes: Mapping[int, Probe]) -> Callable[[Any], KeyValue] | None:
    if item.kind == "string":
        return lambda raw: raw.partition(b"\0")[0]
    if item.kind == "stack":
        addresses = struct.Struct(f"<{item.size // 8}Q").unpack
        return lambda raw: _until_zero(addresses(raw))
    if item.kind in ("ustack", "usym", "umod", "ufunc", "uaddr"):
        layout = struct.Struct(f"<II{(item.size - 8) // 8}Q").unpack

        def user(raw: bytes) -> KeyValue:
            tgid, pid, *rest = layout(raw)
            return (tgid, pid, *(_until_zero(rest) if item.kind == "ustack" else rest))

        return user
    if item.kind == "probe":
        names = {key: getattr(probe, item.part).encode() for key, probe in probes.items()}
        return lambda raw: names.get(raw, b"")
    return None


def _until_zero(addresses: Sequence[int]) -> tuple[int, ...]:
    result = []
    for address in addresses:
        if not address:
            break
        result.append(address)
    return tuple(result)


class SortOrder(NamedTuple):
    """The options aggsortkey, aggsortkeypos, aggsortpos and aggsortrev."""

    by_key: bool = False
    key_position: int = 0
    position: int = 0
    reverse: bool = False

    @staticmethod
    def from_options(options: Mapping[str, str]) -> SortOrder:
        """Read option texts; an absent option, or "0"/"disable", is off."""
        return SortOrder(
            by_key=_is_set(options.get("aggsortkey")),
            key_position=_number(options.get("aggsortkeypos")),
            position=_number(options.get("aggsortpos")),
            reverse=_is_set(options.get("aggsortrev")),
        )


def _is_set(text: str | None) -> bool:
    return text is not None and text.lower() not in (
        "0",
        "disable",
        "disabled",
        "no",
        "off",
        "unset",
    )


def _number(text: str | None) -> int:
    try:
        return int(text, 0) if text else 0
    except ValueError:
        return 0


def sort_entries(state: AggregationState, order: SortOrder) -> list[Entry]:
    """The entries in printing order: by value and then key, or by key and then value."""
    return [entries[0] for _, entries in join((state,), order) if entries[0] is not None]


def join(
    states: Sequence[AggregationState], order: SortOrder
) -> list[tuple[Key, tuple[Entry | None, ...]]]:
    """Rows of several aggregations with the same key shape, in printing order.

    A key missing in one of them has None there.  Values are compared in the aggregation at
    `aggsortpos` first, then in the following ones, around.
    """
    keys: dict[Key, None] = {}
    for state in states:
        keys.update(dict.fromkeys(state.entries))
    rows = [(key, tuple(state.entries.get(key) for state in states)) for key in keys]
    fields = states[0].spec.keys
    first_key = order.key_position if order.key_position < len(fields) else 0
    first_state = order.position if order.position < len(states) else 0
    turned = [*range(first_state, len(states)), *range(first_state)]

    def rank_key(key: Key) -> tuple[KeyValue, ...]:
        return key[first_key:] + key[:first_key]

    def rank(row: tuple[Key, tuple[Entry | None, ...]]) -> tuple[Any, ...]:
        key, entries = row
        values = tuple(states[i].sort_value(entries[i]) for i in turned)
        return (rank_key(key), values) if order.by_key else (values, rank_key(key))

    rows.sort(key=rank, reverse=order.reverse)
    return rows


def unprinted(states: Iterable[AggregationState]) -> list[AggregationState]:
    """The aggregations that the end of tracing has to print, in order of id."""
    return sorted((s for s in states if not s.printed), key=lambda s: s.spec.id)
