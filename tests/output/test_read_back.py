"""What is printed can be read back: random values through the formats, and out of the text."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from dscript.output.histograms import histogram
from dscript.program import Action, Aggregation, Field

from .support import BEGIN, TICK, Run, aggregation, clause

INT64 = st.integers(-(2**63), 2**63 - 1)
COUNTS = st.integers(-(2**40), 2**40) | st.just(0) | st.sampled_from([1, 2**62, -(2**62)])
WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, categories=("L", "N")), max_size=12
)


def distribution(spec: Aggregation, counts: dict[int, int]) -> list[int]:
    words = [0] * spec.value_words
    for index, count in counts.items():
        words[index % spec.value_words] = count
    return words


def kinds() -> st.SearchStrategy[Aggregation]:
    linear = st.tuples(st.integers(-1000, 1000), st.integers(1, 50), st.integers(1, 12)).map(
        lambda t: aggregation("lquantize", words=t[2] + 2, params=(t[0], t[0] + t[1] * t[2], t[1]))
    )
    return st.just(aggregation("quantize", words=127)) | linear


def bounds(spec: Aggregation) -> list[str]:
    """Labels of all buckets, from the manual's definition of each function."""
    if spec.function == "quantize":
        powers = [2**i for i in range(63)]
        return [str(-p) for p in reversed(powers)] + ["0"] + [str(p) for p in powers]
    base, limit, step = spec.params[:3]
    levels = [str(value) for value in range(base, limit, step)]
    return [f"< {base}", *levels, f">= {limit}"]


@settings(max_examples=300)
@given(
    spec=kinds(),
    counts=st.dictionaries(st.integers(0, 126), COUNTS, max_size=12),
    zoom=st.booleans(),
)
def test_pictures(spec: Aggregation, counts: dict[int, int], zoom: bool) -> None:
    words = distribution(spec, counts)
    text = histogram(spec, words, 1, zoom).decode()
    newline, heading, *rows = text.splitlines()
    assert newline == "" and heading.split() == [
        "value",
        *(["-" * 13, "Distribution", "-" * 13]),
        "count",
    ]
    shown = {}
    for row in rows:
        count = row.split()[-1]
        body = row[: len(row) - len(count.ljust(9))]
        picture = body[-42:-1]
        name = body[:-43].strip()
        assert picture.count("|") == 1 and len(picture) == 41
        shown[name] = (int(count), picture)
    labels = bounds(spec)
    assert {name: count for name, (count, _) in shown.items() if count} == {
        name: count for name, count in zip(labels, words, strict=True) if count
    }
    at = [labels.index(name) for name in shown]
    assert at == list(range(at[0], at[-1] + 1)), "every bucket between the first and the last"
    filled = [i for i, count in enumerate(words) if count]
    if filled:
        assert at[0] == max(filled[0] - 1, 0) and at[-1] == min(filled[-1] + 1, len(words) - 1)
    check_bars(shown, zoom)


def check_bars(shown: dict[str, tuple[int, str]], zoom: bool) -> None:
    """Every bar is its share of the width, to half a character, on its side of the axis."""
    counts = [count for count, _ in shown.values()]
    two_sided = min(counts) < 0 < max(counts)
    width = 20 if two_sided else 40
    sizes = [abs(count) for count in counts]
    whole = Fraction(max(sizes)) / Fraction(95, 100) if zoom else Fraction(sum(sizes))
    for count, picture in shown.values():
        left, right = picture.split("|")
        assert (len(left), len(right)) == (
            (20, 20) if two_sided else (40, 0) if min(counts) < 0 else (0, 40)
        )
        bar = left.strip() if count < 0 else right.strip()
        other = right if count < 0 else left
        assert not other.strip() and set(bar) <= {"@"}
        if whole:
            exact = abs(count) * width / whole
            assert abs(len(bar) - exact) <= Fraction(1, 2) + Fraction(1, 10**6)


KEYS = [Field("int", 0, 8, True), Field("int", 8, 2, True), Field("string", 16, 64)]


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.tuples(INT64, st.integers(-(2**15), 2**15 - 1), WORD), INT64, min_size=1, max_size=8
    )
)
def test_tables_of_keys(entries: dict[tuple[int, int, str], int]) -> None:
    run = Run([], [aggregation("sum", KEYS)], {"quiet": ""})
    for (long, short, text), value in entries.items():
        run.printer.aggregations[0].merge(
            struct.pack("<qh6x64s", long, short, text.encode()), [value]
        )
    run.printer.finish()
    read = []
    for line in run.text.splitlines()[1:]:
        long, short, *word, value = line.split()
        read.append(((int(long), int(short), word[0] if word else ""), int(value)))
    assert dict(read) == entries and len(read) == len(entries)
    order = [(value, key[0], key[1], key[2].encode()) for key, value in read]
    assert order == sorted(order), "by value, then by key"


@settings(max_examples=100)
@given(
    st.dictionaries(st.integers(-(2**31), 2**31 - 1), INT64, max_size=6),
    st.dictionaries(st.integers(-(2**31), 2**31 - 1), INT64, max_size=6),
)
def test_joined_tables(one: dict[int, int], two: dict[int, int]) -> None:
    key = [Field("int", 0, 4, True)]
    specs = [aggregation("sum", key, ident=0), aggregation("sum", key, ident=1)]
    both = clause(Action("printa", aggregations=(0, 1)))
    run = Run([both], specs, {"quiet": ""})
    for state, entries in zip(run.printer.aggregations, (one, two), strict=True):
        for number, value in entries.items():
            state.merge(struct.pack("<i", number), [value])
    run.fire(0)
    rows = [tuple(map(int, line.split())) for line in run.text.splitlines()[1:]]
    assert sorted(rows) == sorted(
        (number, one.get(number, 0), two.get(number, 0)) for number in {**one, **two}
    )


@settings(max_examples=100)
@given(
    cpu=st.integers(0, 9999),
    probe=st.sampled_from([BEGIN, TICK]),
    values=st.tuples(
        st.integers(-128, 127),
        st.integers(-(2**15), 2**15 - 1),
        st.integers(-(2**31), 2**31 - 1),
        INT64,
    ),
    text=WORD,
)
def test_lines_of_the_default_table(
    cpu: int, probe: int, values: tuple[int, int, int, int], text: str
) -> None:
    fields = [
        Field("int", 0, 1, True),
        Field("int", 2, 2, True),
        Field("int", 4, 4, True),
        Field("int", 8, 8, True),
        Field("string", 16, 64),
    ]
    run = Run([clause(*(Action("trace", (field,)) for field in fields))])
    run.fire(0, struct.pack("<bxhiq64s", *values, text.encode()), probe=probe, cpu=cpu)
    heading, line = run.text.splitlines()
    assert heading == "CPU     ID                    FUNCTION:NAME"
    number, ident, name, *shown = line.split()
    known = run.printer.program.probes[probe]
    assert (int(number), int(ident), name) == (cpu, known.id, f"{known.function}:{known.name}")
    assert tuple(map(int, shown[:4])) == values
    assert (shown[4] if len(shown) > 4 else "") == text


def read_bytes(table: Sequence[str]) -> bytes:
    """The bytes of a table, from its numbers, checked against its column of characters."""
    found = bytearray()
    for row in table:
        offset, _, rest = row.partition(":")
        assert int(offset, 16) == len(found)
        part = bytes.fromhex(rest[:48])
        assert rest[50:] == "".join(chr(b) if 32 <= b < 127 else "." for b in part)
        found += part
    return bytes(found)


@settings(max_examples=100)
@given(data=st.binary(min_size=1, max_size=70), quiet=st.booleans())
def test_tables_of_bytes(data: bytes, quiet: bool) -> None:
    run = Run(
        [clause(Action("tracemem", (Field("bytes", 0, len(data)),)))],
        options={"quiet": ""} if quiet else {},
    )
    run.fire(0, data)
    lines = run.text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.endswith("0123456789abcdef"))
    assert read_bytes([line for line in lines[start + 1 :] if ":" in line[:11]]) == data
