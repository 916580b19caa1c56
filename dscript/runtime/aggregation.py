"""Draining aggregations without losing or doubling an event.

Every aggregation has two maps; programs add to the one the GENERATION word of `.bss` names.
A drain

1. writes the other generation into the word,
2. waits until every program that may have read the old value is through,
3. reads and empties the old maps, which nobody writes any more, and adds what it finds,
   summed over CPUs, to the user-space totals.

Step 2 uses what the kernel promises of maps in maps (Documentation/bpf/map_of_maps.rst and
maybe_wait_bpf_programs() in kernel/bpf/syscall.c): when a user-space update of an element
of such a map returns, no program that could see the old element is running any more.  The
wait (an RCU grace period, 8 to 30 ms) covers all non-sleepable programs, whichever map they
use, so one tiny array-of-maps serves as the gate.  BEGIN and END are sleepable, but run
inside the tracer's own system call and thus never during a drain.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add
from typing import Final

from dscript.program import Aggregation, StateLayout
from dscript.runtime import bpf
from dscript.runtime.bpf import KernelError
from dscript.runtime.libbpf import Map
from dscript.runtime.sink import AggregationTotals

_BATCH_BYTES: Final = 1 << 20  # of values, for one batch call
_MIN_BATCH: Final = 256


class Gate:
    """Waits for all BPF programs that are running now."""

    def __init__(self) -> None:
        self._inner = bpf.map_create(bpf.MAP_TYPE_ARRAY, 4, 8, 1, name="gate_inner")
        self._outer = bpf.map_create(
            bpf.MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, inner_fd=self._inner, name="gate"
        )
        self._element = struct.pack("<I", self._inner)

    def wait(self) -> None:
        """Return when every non-sleepable program that was running at the call has ended."""
        bpf.map_update(self._outer, b"\0\0\0\0", self._element)

    def close(self) -> None:
        os.close(self._outer)
        os.close(self._inner)


class AggregationDrain:
    """Moves the aggregations of a program from the kernel into their totals.

    `state` is `.bss` as u64 words.  `totals[i]` receives aggregation `i`.
    """

    def __init__(
        self,
        aggregations: Sequence[Aggregation],
        find_map: Callable[[str], Map],
        state: memoryview,
        totals: Sequence[AggregationTotals],
        gate: Callable[[], None],
        cpus: int,
    ) -> None:
        self._state = state
        self._gate = gate
        self._sources = [
            (_source(a, tuple(find_map(name) for name in a.maps), cpus), totals[a.id])
            for a in aggregations
            if not a.shared
        ]
        self._shared = [
            _SharedSource(members, tuple(find_map(name) for name in maps), cpus, totals)
            for maps, members in _by_maps(a for a in aggregations if a.shared).items()
        ]
        first_maps = [find_map(aggregation.maps[0]) for aggregation in aggregations]
        capacities = [m.max_entries for m in first_maps if m.kind != bpf.MAP_TYPE_PERCPU_ARRAY]
        # New keys since the last drain that make the next one urgent; None: nothing fills up.
        self.pressure_limit: int | None = max(1, min(capacities) // 4) if capacities else None

    @property
    def pressed(self) -> bool:
        """Whether a map fills up so that a drain should not wait for its turn."""
        limit = self.pressure_limit
        pressure: int = self._state[StateLayout.AGGREGATION_PRESSURE >> 3]
        return limit is not None and pressure >= limit

    def swap(self) -> None:
        """A consistent snapshot while programs run: everything before it is in the totals."""
        if not self._sources and not self._shared:
            return
        old = self._state[StateLayout.GENERATION >> 3]
        self._state[StateLayout.AGGREGATION_PRESSURE >> 3] = 0
        self._state[StateLayout.GENERATION >> 3] = old ^ 1
        self._gate()
        self._collect(old)

    def collect_all(self) -> None:
        """Empty both generations; only when no program can run."""
        self._collect(0)
        self._collect(1)

    def _collect(self, generation: int) -> None:
        for source, totals in self._sources:
            for key, words in source.take(generation):
                totals.merge(key, words)
        for shared in self._shared:
            shared.collect(generation)


def _by_maps(aggregations: Iterable[Aggregation]) -> dict[tuple[str, str], list[Aggregation]]:
    """Aggregations by the pair of maps they share."""
    groups: dict[tuple[str, str], list[Aggregation]] = {}
    for aggregation in aggregations:
        groups.setdefault(aggregation.maps, []).append(aggregation)
    return groups


class _ArraySource:
    """A keyless aggregation: an entry of a per-CPU array for each generation."""

    def __init__(self, aggregation: Aggregation, maps: tuple[Map, ...], cpus: int) -> None:
        self._maps = maps
        self._key = struct.pack("<I", aggregation.slot)
        self._words = aggregation.value_words
        self._combine = _combiner(aggregation)
        self._cpus = cpus
        self._zero = bytes(8 * self._words * cpus)

    def take(self, generation: int) -> Iterator[tuple[bytes, Sequence[int]]]:
        fd = self._maps[generation].fd
        value = bpf.map_lookup(fd, self._key, len(self._zero))
        if value is None or value == self._zero:
            return
        bpf.map_update(fd, self._key, self._zero)
        yield from zip((b"",), self._combine(memoryview(value).cast("q"), self._cpus), strict=True)


class _HashSource:
    """A keyed aggregation: a per-CPU hash for each generation, emptied in batches."""

    def __init__(
        self,
        aggregation: Aggregation,
        maps: tuple[Map, ...],
        cpus: int,
        combine: _Combiner | None = None,
    ) -> None:
        self._maps = maps
        self._key_size = maps[0].key_size
        self._size = aggregation.key_size
        self._cpus = cpus
        self._stride = 8 * aggregation.value_words * cpus
        self._combine = combine or _combiner(aggregation)
        self._capacity = min(maps[0].max_entries, max(_MIN_BATCH, _BATCH_BYTES // self._stride))
        self._allocate()
        self._batches = True

    def _allocate(self) -> None:
        self._keys = ctypes.create_string_buffer(self._key_size * self._capacity)
        self._values = ctypes.create_string_buffer(self._stride * self._capacity)

    def take(self, generation: int) -> Iterator[tuple[bytes, Sequence[int]]]:
        fd = self._maps[generation].fd
        if self._batches:
            try:
                yield from self._take_batches(fd)
                return
            except KernelError as error:
                if error.errno not in (bpf.EINVAL, 95, bpf.ENOTSUPP):
                    raise
                self._batches = False
        yield from self._take_singly(fd)

    def _take_batches(self, fd: int) -> Iterator[tuple[bytes, Sequence[int]]]:
        # in_batch and out_batch are opaque; hash maps keep a u32 bucket number in them.
        cursor = ctypes.create_string_buffer(max(8, self._key_size))
        resume = 0
        while True:
            attr = bpf.attr_buffer(
                struct.pack(
                    "<QQQQIIQQ",
                    resume,
                    bpf.address(cursor),
                    bpf.address(self._keys),
                    bpf.address(self._values),
                    self._capacity,
                    fd,
                    0,
                    0,
                )
            )
            last = False
            try:
                bpf.bpf(bpf.MAP_LOOKUP_AND_DELETE_BATCH, attr, "map batch")
            except KernelError as error:
                if error.errno == bpf.ENOSPC:  # one bucket holds more than the buffer
                    self._capacity *= 2
                    self._allocate()
                    continue
                if error.errno != bpf.ENOENT:
                    raise
                last = True
            yield from self._entries(struct.unpack_from("<I", attr, 32)[0])
            if last:
                return
            resume = bpf.address(cursor)

    def _entries(self, count: int) -> Iterator[tuple[bytes, Sequence[int]]]:
        size, step = self._size, self._key_size
        keys = self._keys.raw
        values = memoryview(self._values).cast("B")[: count * self._stride].cast("q")
        starts = range(0, count * step, step)
        return zip(
            (keys[start : start + size] for start in starts),
            self._combine(values, self._cpus),
            strict=True,
        )

    def _take_singly(self, fd: int) -> Iterator[tuple[bytes, Sequence[int]]]:
        while (key := bpf.map_next_key(fd, None, self._key_size)) is not None:
            value = bpf.map_lookup(fd, key, self._stride)
            bpf.map_delete(fd, key)
            if value is not None:
                words = memoryview(value).cast("q")
                yield from zip((key[: self._size],), self._combine(words, self._cpus), strict=True)


class _SharedSource:
    """Several keyed aggregations in one pair of maps, told apart by the id in front."""

    def __init__(
        self,
        members: Sequence[Aggregation],
        maps: tuple[Map, ...],
        cpus: int,
        totals: Sequence[AggregationTotals],
    ) -> None:
        self._source = _HashSource(members[0], maps, cpus, _rows(members[0].value_words))
        self._cpus = cpus
        self._members = {a.id: (_combiner(a), totals[a.id]) for a in members}

    def collect(self, generation: int) -> None:
        for key, row in self._source.take(generation):
            assert isinstance(row, memoryview)
            combine, totals = self._members[int.from_bytes(key[:8], "little")]
            for words in combine(row, self._cpus):
                totals.merge(key, words)


def _source(
    aggregation: Aggregation, maps: tuple[Map, ...], cpus: int
) -> _ArraySource | _HashSource:
    if maps[0].kind == bpf.MAP_TYPE_PERCPU_ARRAY:
        return _ArraySource(aggregation, maps, cpus)
    return _HashSource(aggregation, maps, cpus)


# -- combining the words of all CPUs


def _rows(width: int) -> _Combiner:
    """Not combined at all: the words of each entry, CPU by CPU, as they lie."""

    def rows(values: memoryview, cpus: int) -> Iterator[Sequence[int]]:
        stride = width * cpus
        return (values[at : at + stride] for at in range(0, len(values), stride))

    return rows


# Takes entries (i64 words: entry by entry, in it CPU by CPU) and the number of CPUs;
# gives the combined words of each entry.
_Combiner = Callable[[memoryview, int], Iterator[Sequence[int]]]


def _combiner(aggregation: Aggregation) -> _Combiner:
    width = aggregation.value_words
    rank = _signed if aggregation.signed else _unsigned
    match aggregation.function:
        case "min":
            return lambda values, cpus: _extremes(values, cpus, min, rank)
        case "max":
            return lambda values, cpus: _extremes(values, cpus, max, rank)
        case "stddev":
            return _deviations
        case _:
            return lambda values, cpus: _sums(values, cpus, width)


def _sums(values: memoryview, cpus: int, width: int) -> Iterator[Sequence[int]]:
    """Word by word sums.

    Few words: by columns over all entries at once.  Many words (histograms): by rows.
    """
    stride = width * cpus
    if width <= 4:
        columns = [_column(values, word, width, cpus) for word in range(width)]
        return zip(*columns, strict=True)
    return (_row_sum(values[at : at + stride], width) for at in range(0, len(values), stride))


def _column(values: memoryview, word: int, width: int, cpus: int) -> list[int]:
    """Sum over CPUs of one word of every entry."""
    stride = width * cpus
    total: list[int] = values[word::stride].tolist()
    for cpu in range(1, cpus):
        total = list(map(add, total, values[cpu * width + word :: stride].tolist()))
    return total


def _row_sum(row: memoryview, width: int) -> list[int]:
    total: list[int] = row[:width].tolist()
    for at in range(width, len(row), width):
        total = list(map(add, total, row[at : at + width].tolist()))
    return total


_U64: Final = 0xFFFFFFFFFFFFFFFF


def _signed(value: int) -> int:
    return value


def _unsigned(value: int) -> int:
    return value & _U64


def _extremes(
    values: memoryview,
    cpus: int,
    better: Callable[..., int],
    rank: Callable[[int], int],
) -> Iterator[Sequence[int]]:
    """[n, value] pairs; CPUs that saw nothing (n = 0) have no say."""
    flat: list[int] = values.tolist()
    stride = 2 * cpus
    for at in range(0, len(flat), stride):
        counts = flat[at : at + stride : 2]
        seen = zip(counts, flat[at + 1 : at + stride : 2], strict=True)
        total = sum(counts)
        yield (total, better((value for n, value in seen if n), key=rank) if total else 0)


def _deviations(values: memoryview, cpus: int) -> Iterator[Sequence[int]]:
    """[n, total, low, high]: the 128-bit sums of squares add with carry."""
    flat: list[int] = values.tolist()
    stride = 4 * cpus
    for at in range(0, len(flat), stride):
        row = flat[at : at + stride]
        squares = sum((low & _U64) for low in row[2::4])
        squares += sum((high & _U64) for high in row[3::4]) << 64
        yield (sum(row[::4]), sum(row[1::4]), squares & _U64, squares >> 64)
