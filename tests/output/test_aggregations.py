"""Aggregations as text, after the manual's chapter "Aggregations"."""

from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscript.aggregates import quantize_bucket
from dscript.builtins.formats import parse_format
from dscript.output.histograms import histogram
from dscript.program import Action, Field

from .support import Run, aggregation, clause

NAME = Field("string", 0, 16)
HEAD = "\n           value  ------------- Distribution ------------- count    \n"


def name(text: str) -> bytes:
    return text.encode().ljust(16, b"\0")


def words(size: int, counts: dict[int, int]) -> list[int]:
    result = [0] * size
    for index, count in counts.items():
        result[index] = count
    return result


def table(run: Run) -> str:
    run.printer.finish()
    return run.text[1:]


def test_keys_and_values_in_columns() -> None:
    keys = [
        NAME,
        Field("int", 16, 8, True),
        Field("int", 24, 4, True),
        Field("int", 28, 2),
        Field("int", 30, 1),
    ]
    run = Run([], [aggregation("sum", keys)])
    state = run.printer.aggregations[0]
    state.merge(name("bash") + struct.pack("<qiHB", -5, -4, 3, 2), [-(2**63)])
    assert table(run) == (
        "  bash" + " " * 46 + "               -5       -4     3   2 -9223372036854775808\n"
    )


def test_sorted_by_value() -> None:
    run = Run([], [aggregation("count", [NAME])])
    state = run.printer.aggregations[0]
    for key, value in (("ls", 201), ("date", 1), ("dtrace", 1), ("grep", 20)):
        state.merge(name(key), [value])
    rows = table(run).splitlines()
    assert rows == [
        f"  {k:50} {v:16}" for k, v in (("date", 1), ("dtrace", 1), ("grep", 20), ("ls", 201))
    ]


def test_long_and_multibyte_keys() -> None:
    run = Run([], [aggregation("count", [Field("string", 0, 64)])])
    state = run.printer.aggregations[0]
    state.merge(b"x" * 60 + b"\0" * 4, [2])
    state.merge("žluť".encode().ljust(64, b"\0"), [1])
    state.merge(b"\0" * 64, [3])
    # Columns are counted in bytes: ž, ť take two each.
    assert table(run) == (
        f"  {'žluť':48} {1:16}\n" + f"  {'x' * 60} {2:16}\n" + f"  {'':50} {3:16}\n"
    )


def test_stack_keys() -> None:
    run = Run([], [aggregation("count", [Field("stack", 0, 24), Field("usym", 24, 16)])])
    key = struct.pack("<3QIIQ", 0x1010, 0x99, 0, 1, 77, 0x400020)
    run.printer.aggregations[0].merge(key, [4])
    assert table(run) == (
        f"\n              vmlinux`do_work+0x10\n              0x99\n  {'a.out`main':50} {4:16}\n"
    )


def test_addresses_of_one_name_are_one_key() -> None:
    """dtrace(1M) makes every address of a function its first, of a module one of that module."""
    kernel = [Field("func", 0, 8)]
    user = [Field("ufunc", 0, 16)]
    modules = [Field("mod", 0, 8), Field("umod", 8, 16)]
    specs = [aggregation("sum", keys) for keys in (kernel, user, modules)]
    run = Run([], [spec._replace(id=i) for i, spec in enumerate(specs)])
    functions, users, mods = run.printer.aggregations
    for address, value in ((0x1001, 1), (0x10FF, 2), (0x1000, 4), (0x9000, 100), (0x9001, 200)):
        functions.merge(struct.pack("<Q", address), [value])
    for pid, offset, value in ((77, 1, 1), (77, 2, 2), (78, 1, 4)):
        users.merge(struct.pack("<IIQ", pid, pid, 0x400000 + offset), [value])
    for address, code, value in ((0x1100, 1, 1), (0x1200, 2, 2), (0x1000, 1, 4)):
        mods.merge(struct.pack("<QIIQ", address, 77, 77, 0x7F0000000000 + code), [value])
    assert [line.split() for line in table(run).splitlines() if line] == [
        ["vmlinux`do_work", "7"],
        ["0x9000", "100"],
        ["0x9001", "200"],
        ["a.out`main", "3"],
        ["0x400001", "4"],
        ["km", "libc.so.6", "3"],
        ["vmlinux", "libc.so.6", "4"],
    ]


def test_quantize_picture() -> None:
    # 2 values of 0, 1 of 1, 5 from 4 to 7, of 8: bars are shares of 40.
    run = Run([], [aggregation("quantize", [NAME], 127)])
    run.printer.aggregations[0].merge(name("sh"), words(127, {63: 2, 64: 1, 66: 5}))
    assert table(run) == (
        f"  {'sh':50}"
        + HEAD
        + f"              -1 |{'':40} 0        \n"
        + f"               0 |{'@' * 10:40} 2        \n"
        + f"               1 |{'@' * 5:40} 1        \n"
        + f"               2 |{'':40} 0        \n"
        + f"               4 |{'@' * 25:40} 5        \n"
        + f"               8 |{'':40} 0        \n"
        + "\n"
    )


def test_quantize_of_extremes() -> None:
    spec = aggregation("quantize", (), 127)
    rows = histogram(spec, words(127, {0: 1, 126: 1}), 1).decode().splitlines()[2:]
    assert len(rows) == 127
    assert rows[0].split() == ["-4611686018427387904", "|" + "@" * 20, "1"]
    assert rows[-1].split() == ["4611686018427387904", "|" + "@" * 20, "1"]


def test_negative_counts() -> None:
    spec = aggregation("quantize", (), 127)
    only = histogram(spec, words(127, {63: -4}), 1).decode().splitlines()[2:]
    assert only == [
        f"              -1 {'':40}| 0        ",
        f"               0 {'@' * 40}| -4       ",
        f"               1 {'':40}| 0        ",
    ]
    both = histogram(spec, words(127, {63: -1, 64: 3}), 1).decode().splitlines()[2:]
    assert both == [
        f"              -1 {'':20}|{'':20} 0        ",
        f"               0 {'@' * 5:>20}|{'':20} -1       ",
        f"               1 {'':20}|{'@' * 15:20} 3        ",
        f"               2 {'':20}|{'':20} 0        ",
    ]


def test_quantize_without_data_shows_the_buckets_around_zero() -> None:
    rows = histogram(aggregation("quantize", (), 127), [0] * 127, 1).decode().splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["-1", "0", "1"]


def test_lquantize_bounds() -> None:
    spec = aggregation("lquantize", (), 12, (0, 100, 10))
    rows = histogram(spec, words(12, {0: 1, 3: 2, 11: 1}), 1).decode()
    assert rows.startswith(HEAD)
    shown = [row[:16] for row in rows.splitlines()[2:]]
    assert shown[0] == "             < 0"
    assert shown[1:-1] == [f"{n:16}" for n in range(0, 100, 10)]
    assert shown[-1] == "          >= 100"


def test_lquantize_of_negative_bounds() -> None:
    spec = aggregation("lquantize", (), 6, (-10, 10, 5))
    rows = histogram(spec, words(6, {1: 3}), 1).decode().splitlines()[2:]
    assert [row[:16].strip() for row in rows] == ["< -10", "-10", "-5"]


def test_llquantize_bounds() -> None:
    # llquantize(x, 10, 0, 1, 10): 1 to 9 by 1, 10 to 90 by 10.
    spec = aggregation("llquantize", (), 20, (10, 0, 1, 10))
    rows = histogram(spec, words(20, {0: 1, 19: 1}), 1).decode().splitlines()[2:]
    labels = [row[:16].strip() for row in rows]
    assert labels == ["< 1", *map(str, range(1, 10)), *map(str, range(10, 100, 10)), ">= 100"]


def test_zoom_measures_against_the_largest() -> None:
    spec = aggregation("quantize", (), 127)
    rows = histogram(spec, words(127, {63: 10, 64: 5}), 1, zoom=True).decode().splitlines()[2:]
    # The longest bar is 95 % of 40 characters.
    assert [row.count("@") for row in rows] == [0, 38, 19, 0]


@pytest.mark.parametrize("divisor", [1, 7])
@given(counts=st.dictionaries(st.integers(0, 126), st.integers(1, 2**40), min_size=1, max_size=12))
def test_pictures_read_back_to_the_counts(divisor: int, counts: dict[int, int]) -> None:
    picture = histogram(aggregation("quantize", (), 127), words(127, counts), divisor).decode()
    found = {}
    for row in picture.splitlines()[2:]:
        match = re.fullmatch(r" *(-?\d+) \|(@* *) (-?\d+) *", row)
        assert match is not None and len(match[2]) == 40
        found[int(match[1])] = (int(match[3]), len(match[2].rstrip()))
    total = sum(counts.values())
    for index, count in counts.items():
        shown, width = found.pop(quantize_bucket(index))
        assert shown == count // divisor
        assert abs(width - 40 * count / total) <= 0.5 + 1e-6
    assert all(value == (0, 0) for value in found.values())


def test_scalar_functions() -> None:
    run = Run(
        [],
        [
            aggregation("avg", (), 2, ident=0),
            aggregation("min", (), 2, ident=1),
            aggregation("max", (), 2, ident=2),
            aggregation("stddev", (), 4, ident=3),
        ],
    )
    average, low, high, deviation = run.printer.aggregations
    average.merge(b"", [3, -10])
    low.merge(b"", [1, -(2**63)])
    high.merge(b"", [1, 2**63 - 1])
    deviation.merge(b"", [2, 10, 58, 0])  # 3 and 7
    assert table(run) == (f" {-3:16}\n -9223372036854775808\n 9223372036854775807\n {2:16}\n")


def printed(run: Run) -> str:
    run.fire(0)
    return run.text


def printa(text: str | None, *which: int) -> Action:
    return Action("printa", format=None if text is None else parse_format(text), aggregations=which)


def test_printa_with_a_format() -> None:
    keys = [NAME, Field("int", 16, 4, True)]
    run = Run(
        [clause(printa("%-6s|%5x|%@8d|%8@x|%@-4u|\n", 0))],
        [aggregation("sum", keys)],
        {"quiet": ""},
    )
    state = run.printer.aggregations[0]
    state.merge(name("sh") + struct.pack("<i", -1), [-3])
    state.merge(name("cat") + struct.pack("<i", 255), [10])
    assert printed(run) == (
        "sh    |ffffffff|      -3|fffffffffffffffd|18446744073709551613|\n"
        "cat   |   ff|      10|       a|10  |\n"
    )


def test_printa_of_several_joins_by_key() -> None:
    specs = [aggregation("count", [NAME], ident=0), aggregation("sum", [NAME], ident=1)]
    with_format = clause(printa("%s %@d %@d\n", 0, 1))
    run = Run([with_format, clause(printa(None, 0, 1))], specs, {"quiet": ""})
    first, second = run.printer.aggregations
    first.merge(name("a"), [3])
    first.merge(name("b"), [1])
    second.merge(name("a"), [30])
    second.merge(name("c"), [7])
    assert printed(run) == "c 0 7\nb 1 0\na 3 30\n"
    run.out.truncate(0)
    run.out.seek(0)
    run.fire(1)
    rows = [f"  {k:50} {x:16} {y:16}\n" for k, x, y in (("c", 0, 7), ("b", 1, 0), ("a", 3, 30))]
    assert run.text == "\n" + "".join(rows)


def test_printa_of_a_picture() -> None:
    run = Run(
        [clause(printa("<%s>%@d\n", 0))], [aggregation("quantize", [NAME], 127)], {"quiet": ""}
    )
    run.printer.aggregations[0].merge(name("x"), words(127, {63: 1}))
    text = printed(run)
    assert text.startswith("<x>" + HEAD)
    assert text.splitlines()[3].split() == ["0", "|" + "@" * 40, "1"]


def test_printa_normalized() -> None:
    run = Run([clause(printa("%@d\n", 0))], [aggregation("count")], {"quiet": ""})
    state = run.printer.aggregations[0]
    state.merge(b"", [1234])
    state.normalize(100)
    assert printed(run) == "12\n"


def test_printa_of_nothing() -> None:
    run = Run(
        [clause(printa(None, 0)), clause(printa("%@d", 0))], [aggregation("count")], {"quiet": ""}
    )
    run.fire(0)
    run.fire(1)
    assert run.text == "\n"


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({}, ["b", "c", "a"]),
        ({"aggsortrev": ""}, ["a", "c", "b"]),
        ({"aggsortkey": ""}, ["a", "b", "c"]),
        ({"aggsortkey": "", "aggsortrev": ""}, ["c", "b", "a"]),
        ({"aggsortrev": "0"}, ["b", "c", "a"]),
    ],
)
def test_sort_options(options: dict[str, str], order: list[str]) -> None:
    run = Run([], [aggregation("count", [NAME])], options)
    for key, value in (("a", 9), ("b", 1), ("c", 5)):
        run.printer.aggregations[0].merge(name(key), [value])
    assert [row.split()[0] for row in table(run).splitlines()] == order


def test_agghist_draws_bars_beside_counts() -> None:
    run = Run([], [aggregation("count", [NAME])], {"agghist": ""})
    for key, value in (("ls", 1), ("bash", 3)):
        run.printer.aggregations[0].merge(name(key), [value])
    assert table(run) == (
        "\n              key  ------------- Distribution ------------- count    \n"
        f"               ls |{'@' * 10:40} 1        \n"
        f"             bash |{'@' * 30:40} 3        \n"
    )


def test_agghist_has_a_column_for_every_key() -> None:
    keys = [Field("int", 0, 2, True), Field("string", 8, 16)]
    run = Run([], [aggregation("sum", keys)], {"agghist": "", "aggzoom": ""})
    for number, text, value in ((1, b"ls", 10), (-300, b"a name of 18 bytes"[:15], -5)):
        run.printer.aggregations[0].merge(struct.pack("<h6x16s", number, text), [value])
    # Halves of 20 to each side; the longest takes 0.95 of one.
    assert table(run) == (
        "\n                    key  ------------- Distribution ------------- count    \n"
        f"  -300  a name of 18 by {'@' * 10:>20}|{'':20} -5       \n"
        f"     1               ls {'':20}|{'@' * 19:20} 10       \n"
    )


def test_agghist_leaves_extremes_alone() -> None:
    run = Run([], [aggregation("max", words=2)], {"agghist": ""})
    run.printer.aggregations[0].merge(b"", [1, 7])
    assert table(run) == f" {7:16}\n"


def test_utf8_bars_have_eighths() -> None:
    run = Run([], [aggregation("quantize", words=127)], {"encoding": "utf8"})
    run.printer.aggregations[0].merge(b"", words(127, {64: 1, 65: 2}))
    rows = [line.split("|")[1] for line in table(run).splitlines()[2:6]]
    # 40 / 3 is 13 and 2 eighths and more, 80 / 3 is 26 and 5 eighths and more.
    full, two, five = "\u2588", "\u258e", "\u258b"
    assert rows == [
        f"{'':40} 0        ",
        f"{full * 13 + two:40} 1        ",
        f"{full * 26 + five:40} 2        ",
        f"{'':40} 0        ",
    ]


def packed(options: dict[str, str], *rows: dict[int, int]) -> list[str]:
    run = Run([], [aggregation("quantize", [NAME], 127)], {"aggpack": "", **options})
    for key, row in zip(("ls", "bash"), rows, strict=False):
        run.printer.aggregations[0].merge(name(key), words(127, row))
    text = table(run)
    assert text.startswith("\n")
    return text.splitlines()[1:]


def test_aggpack_puts_a_distribution_on_a_line() -> None:
    # Buckets 0 to 8: 3 of 3 at 1; 1 and 3 of 4 at 1 and 4, which is 2 and 5 of 7 heights.
    assert packed({}, {64: 3}, {64: 1, 66: 3}) == [
        "              key  min .-----. max  | count",
        "               ls    0 : █   : 8    | 3",
        "             bash    0 : ▃ ▆ : 8    | 4",
    ]


def test_aggpack_has_no_buckets_below_zero_when_all_is_at_zero_or_above() -> None:
    assert packed({}, {63: 2}) == [
        "              key  min .--. max  | count",
        "               ls    0 :█ : 1    | 2",
    ]


def test_aggpack_of_negative_values_and_wide_bounds() -> None:
    assert packed({}, {60: 2, 80: 2})[0].split() == [
        "key",
        "min",
        f".{'-' * 23}.",
        "max",
        "|",
        "count",
    ]
    assert packed({}, {60: 2, 80: 2})[1] == (f"               ls   -8 : ▅{' ' * 19}▅ : 131072 | 4")


def test_aggpack_in_ascii_and_with_negative_weights() -> None:
    ascii_only = packed({"encoding": "ascii"}, {64: 8, 65: 1, 66: -7})
    # Shares of 16 in 7 steps of "__xxxxXX": 3.5 + 0.5 and 0.4; of 5 in "vvvvVV": 2.2.
    assert ascii_only[1] == "               ls    0 : x_v : 8    | 2"


def test_aggpack_of_lquantize_shows_the_whole_range() -> None:
    run = Run([], [aggregation("lquantize", words=7, params=(0, 10, 2))], {"aggpack": ""})
    run.printer.aggregations[0].merge(b"", [0, 0, 0, 4, 0, 0, 0])
    assert table(run) == (
        "\n     min .-------. max      | count\n"  # a blank stands before the first bound
        "     < 0 :   █   : >= 10    | 4\n"
    )
