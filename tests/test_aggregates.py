"""Aggregation totals, after the manual's chapter "Aggregations"."""

from __future__ import annotations

import math
import statistics
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscript.aggregates import (
    AggregationState,
    SortOrder,
    divide,
    join,
    llquantize_bounds,
    quantize_bucket,
    sort_entries,
)
from dscript.program import Aggregation, AggregationFunction, Field, Probe

INT64 = st.integers(-(2**63), 2**63 - 1)
WORDS = {"count": 1, "sum": 1, "avg": 2, "min": 2, "max": 2, "stddev": 4, "quantize": 127}


def make(
    function: AggregationFunction = "count",
    keys: tuple[Field, ...] = (),
    *,
    params: tuple[int, ...] = (),
    words: int | None = None,
    signed: bool = True,
    probes: dict[int, Probe] | None = None,
) -> AggregationState:
    size = max((k.offset + k.size for k in keys), default=0)
    count = WORDS[function] if words is None else words
    spec = Aggregation(0, "a", function, keys, size, count, params, ("m0", "m1"), signed)
    return AggregationState(spec, probes or {})


INT_KEY = Field("int", 0, 8, signed=True)


def int_key(value: int) -> bytes:
    return struct.pack("<q", value)


def test_merge_adds() -> None:
    state = make()
    state.merge(b"", [3])
    state.merge(b"", [4])
    assert state.number(state.entries[()]) == 7


def test_keys_are_decoded() -> None:
    keys = (
        Field("string", 0, 8),
        Field("int", 8, 4, signed=True),
        Field("int", 12, 1),
        Field("stack", 16, 24),
        Field("usym", 40, 16),
    )
    state = make("count", keys)
    raw = b"ab\0junk\0" + struct.pack("<iB3x3QIIQ", -5, 200, 10, 20, 0, 7, 8, 9)
    state.merge(raw, [1])
    assert list(state.entries) == [(b"ab", -5, 200, (10, 20), (7, 8, 9))]


def test_equal_strings_with_different_tails_are_one_key() -> None:
    state = make("count", (Field("string", 0, 4),))
    state.merge(b"a\0xx", [1])
    state.merge(b"a\0yy", [2])
    assert {k: state.number(e) for k, e in state.entries.items()} == {(b"a",): 3}


def test_probes_of_one_name_are_one_key() -> None:
    probes = {
        1: Probe(11, "syscall", "vmlinux", "read", "entry"),
        2: Probe(12, "syscall", "vmlinux", "read", "return"),
    }
    state = make("count", (Field("probe", 0, 4, part="function"),), probes=probes)
    state.merge(struct.pack("<I", 1), [1])
    state.merge(struct.pack("<I", 2), [5])
    assert {k: state.number(e) for k, e in state.entries.items()} == {(b"read",): 6}


@given(st.lists(INT64, min_size=1))
def test_sum_wraps_at_64_bits(values: list[int]) -> None:
    state = make("sum")
    for value in values:
        state.merge(b"", [value & (2**64 - 1)])
    expected = struct.unpack("<q", struct.pack("<Q", sum(values) % 2**64))[0]
    assert state.number(state.entries[()]) == expected


@given(st.lists(INT64, min_size=1))
def test_min_and_max_ignore_cpus_that_saw_nothing(values: list[int]) -> None:
    low, high = make("min"), make("max")
    for state in (low, high):
        state.merge(b"", [0, 0])
        for value in values:
            state.merge(b"", [1, value])
            state.merge(b"", [0, 0])
    assert low.number(low.entries[()]) == min(values)
    assert high.number(high.entries[()]) == max(values)


def test_unsigned_extremes() -> None:
    state = make("max", signed=False)
    state.merge(b"", [1, 2**64 - 1])
    state.merge(b"", [1, 5])
    assert state.number(state.entries[()]) == 2**64 - 1


@pytest.mark.parametrize(
    ("values", "average"), [([1, 2], 1), ([-1, -2], -1), ([-7, 2], -2), ([10**18] * 5, 10**18)]
)
def test_average_divides_toward_zero(values: list[int], average: int) -> None:
    state = make("avg")
    for value in values:
        state.merge(b"", [1, value])
    assert state.number(state.entries[()]) == average


def test_average_of_nothing_is_zero() -> None:
    state = make("avg")
    state.merge(b"", [0, 0])
    assert state.number(state.entries[()]) == 0


def stddev_words(value: int) -> list[int]:
    square = value * value
    return [1, value, square & (2**64 - 1), square >> 64]


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=6))
def test_stddev_uses_128_bits(values: list[int]) -> None:
    state = make("stddev")
    for value in values:
        state.merge(b"", stddev_words(value))
    total = sum(values)
    if not -(2**63) <= total < 2**63:
        return
    mean = abs(total) // len(values)
    expected = math.isqrt(max(0, sum(v * v for v in values) // len(values) - mean * mean))
    assert state.number(state.entries[()]) == expected


def test_stddev_of_a_known_sample() -> None:
    values = [2, 4, 4, 4, 5, 5, 7, 9]
    assert statistics.pstdev(values) == 2
    state = make("stddev")
    for value in values:
        state.merge(b"", stddev_words(value * 1_000_000_000))
    assert state.number(state.entries[()]) == 2_000_000_000
    state.normalize(1_000_000)
    assert state.number(state.entries[()]) == 2_000


def test_normalize_leaves_the_data() -> None:
    state = make("sum")
    state.merge(b"", [-17])
    state.normalize(5)
    assert state.number(state.entries[()]) == -3
    state.denormalize()
    assert state.number(state.entries[()]) == -17
    with pytest.raises(ZeroDivisionError):
        state.normalize(0)


def test_clear_keeps_keys_and_trunc_does_not() -> None:
    state = make("min", (INT_KEY,))
    state.merge(int_key(1), [1, 9])
    state.clear()
    assert [state.number(e) for e in state.entries.values()] == [0]
    state.merge(int_key(1), [1, 12])
    assert [state.number(e) for e in state.entries.values()] == [12]
    state.truncate()
    assert state.entries == {}
    state.merge(int_key(1), [1, 3])
    assert [state.number(e) for e in state.entries.values()] == [3]


@pytest.mark.parametrize(
    ("count", "kept"),
    [(2, [4, 5]), (-2, [1, 2]), (0, []), (9, [1, 2, 3, 4, 5]), (-9, [1, 2, 3, 4, 5])],
)
def test_truncate_keeps_greatest_or_smallest(count: int, kept: list[int]) -> None:
    state = make("sum", (INT_KEY,))
    for value in (3, 5, 1, 4, 2):
        state.merge(int_key(100 - value), [value])
    state.truncate(count)
    assert [state.number(e) for e in sort_entries(state, SortOrder())] == kept


def sorted_keys(state: AggregationState, order: SortOrder) -> list[tuple[object, ...]]:
    return [entry.key for entry in sort_entries(state, order)]


def test_sorted_by_value_then_key() -> None:
    state = make("sum", (INT_KEY,))
    for key, value in ((5, 1), (-5, 1), (1, -3), (2, 7)):
        state.merge(int_key(key), [value])
    assert sorted_keys(state, SortOrder()) == [(1,), (-5,), (5,), (2,)]
    assert sorted_keys(state, SortOrder(reverse=True)) == [(2,), (5,), (-5,), (1,)]
    assert sorted_keys(state, SortOrder(by_key=True)) == [(-5,), (1,), (2,), (5,)]


def test_sorted_from_a_key_position() -> None:
    keys = (Field("string", 0, 4), Field("int", 4, 4, signed=True))
    state = make("count", keys)
    for name, number in ((b"a", 2), (b"b", 1), (b"c", 2)):
        state.merge(struct.pack("<4si", name, number), [1])
    order = SortOrder.from_options({"aggsortkey": "1", "aggsortkeypos": "1"})
    assert sorted_keys(state, order) == [(b"b", 1), (b"a", 2), (b"c", 2)]


def test_quantize_sorts_by_weighted_sum_then_zero() -> None:
    state = make("quantize", (INT_KEY,))

    def buckets(**counts: int) -> list[int]:
        words = [0] * 127
        for index, count in counts.items():
            words[int(index[1:])] = count
        return words

    state.merge(int_key(1), buckets(b64=1, b63=5))
    state.merge(int_key(2), buckets(b64=1))
    state.merge(int_key(3), buckets(b62=9))
    state.merge(int_key(4), buckets(b70=1))
    assert sorted_keys(state, SortOrder()) == [(3,), (2,), (1,), (4,)]


def test_join_by_key_with_missing_entries() -> None:
    first, second = make("count", (INT_KEY,)), make("sum", (INT_KEY,))
    first.merge(int_key(1), [5])
    first.merge(int_key(2), [1])
    second.merge(int_key(1), [10])
    second.merge(int_key(3), [20])

    def rows(order: SortOrder) -> list[tuple[object, ...]]:
        return [
            (key[0], first.number(one), second.number(two))
            for key, (one, two) in join((first, second), order)
        ]

    assert rows(SortOrder()) == [(3, 0, 20), (2, 1, 0), (1, 5, 10)]
    assert rows(SortOrder(position=1)) == [(2, 1, 0), (1, 5, 10), (3, 0, 20)]


def test_quantize_buckets_are_powers_of_two() -> None:
    assert [quantize_bucket(i) for i in (0, 61, 62, 63, 64, 65, 126)] == [
        -(2**62),
        -2,
        -1,
        0,
        1,
        2,
        2**62,
    ]


@pytest.mark.parametrize(
    ("params", "bounds"),
    [
        ((10, 0, 1, 10), (1, 2, 3, 4, 5, 6, 7, 8, 9, *range(10, 100, 10), 100)),
        ((10, 3, 3, 20), (*range(1000, 10000, 500), 10000)),
        ((10, 0, 0, 20), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
        ((2, 0, 3, 2), (1, 2, 4, 8, 16)),
        ((10, 1, 2, 5), (10, 30, 50, 70, 90, 100, 300, 500, 700, 900, 1000)),
    ],
)
def test_llquantize_bounds(params: tuple[int, int, int, int], bounds: tuple[int, ...]) -> None:
    assert llquantize_bounds(*params) == bounds


@given(INT64, st.integers(1, 2**40))
def test_division_is_toward_zero(value: int, by: int) -> None:
    quotient = divide(value, by)
    assert abs(value - quotient * by) < by
    assert quotient == 0 or (quotient > 0) == (value > 0)
