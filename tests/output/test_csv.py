"""--format csv: the aggregations as one table, read back with Python's csv module."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path

from .machine import execute
from .support import aggregation

HEADER = ["table", "aggregation", "function", "key1", "key2", "low", "high", "value"]


def rows(data: bytes) -> list[list[str]]:
    assert data.endswith(b"\r\n") and data.count(b"\n") >= 1
    text = data.decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def table(program: str, *words: str, status: int = 0) -> list[list[str]]:
    done = execute("-q", "--format", "csv", *words, "-n", program)
    assert done.returncode == status, done.stderr.decode()
    found = rows(done.stdout)
    assert {len(row) for row in found} == {len(found[0])}
    return found


def test_values_keys_and_quoting() -> None:
    found = table(
        'BEGIN { @a["plain", 1] = sum(-5); @a["comma, \\"quote\\"", -2] = sum(7);'
        ' @a["line\\nbreak", 3] = sum(9223372036854775807); @b["é\\377"] = avg(4); @c = count();'
        " exit(4); }",
        status=4,
    )
    assert found == [
        HEADER,
        ["1", "@a", "sum", "plain", "1", "", "", "-5"],
        ["1", "@a", "sum", 'comma, "quote"', "-2", "", "", "7"],
        ["1", "@a", "sum", "line\nbreak", "3", "", "", str(2**63 - 1)],
        ["2", "@b", "avg", "é\udcff", "", "", "", "4"],
        ["3", "@c", "count", "", "", "", "", "1"],
    ]


def test_distributions_have_a_row_a_bucket() -> None:
    found = table(
        "BEGIN { @q[1] = quantize(-5); @q[1] = quantize(1000); @q[1] = quantize(1023);"
        " @l[2, 3] = lquantize(-1, 0, 10, 5); @l[2, 3] = lquantize(12, 0, 10, 5, 4); exit(0); }"
    )
    assert found[1:] == [
        ["1", "@q", "quantize", "1", "", "-7", "-4", "1"],
        ["1", "@q", "quantize", "1", "", "512", "1023", "2"],
        ["2", "@l", "lquantize", "2", "3", "", "-1", "1"],
        ["2", "@l", "lquantize", "2", "3", "10", "", "4"],
    ]


def test_every_printa_is_a_table_of_its_own() -> None:
    found = table(
        "BEGIN { @a = count(); printa(@a); normalize(@a, 1); @b = sum(10); }"
        "BEGIN { normalize(@b, 5); printa(@a, @b); clear(@a); printa(@a); exit(0); }"
    )
    assert [(row[0], row[1], row[-1]) for row in found[1:]] == [
        ("1", "@a", "1"),
        ("2", "@a", "1"),
        ("3", "@b", "2"),
        ("4", "@a", "0"),
    ]


def test_stacks_join_their_frames() -> None:
    found = table("syscall:::entry /pid == $target/ { @[stack(4)] = count(); }", "-c", "true")
    stack = found[-1][3].split(";")
    assert len(stack) > 1
    assert all(frame.startswith(("vmlinux`", "0x")) for frame in stack)


def test_text_is_left_out_and_said_so(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    program = 'BEGIN { trace("text"); @ = count(); system("echo hidden"); exit(0); }'
    done = execute("--format", "csv", "-w", "-o", str(out), "-n", program)
    assert done.stdout == b""
    assert b"csv shows aggregations only" in done.stderr
    assert b"hidden" in done.stderr
    assert len(rows(out.read_bytes())) == 2


def test_a_program_without_aggregations_is_refused() -> None:
    done = execute("--format", "csv", "-n", "BEGIN { trace(1); exit(0); }")
    assert done.returncode == 1
    assert b"--format csv shows aggregations, and the program has none" in done.stderr


def test_bounds_of_all_kinds() -> None:
    from dscript.aggregates import bucket_bounds

    quantize = bucket_bounds(aggregation("quantize", (), 127))
    assert quantize[0] == (-(2**63), -(2**62))
    assert quantize[62:66] == [(-1, -1), (0, 0), (1, 1), (2, 3)]
    assert quantize[126] == (2**62, 2**63 - 1)
    for (_, high), (low, _) in pairwise(quantize):
        assert high is not None and low == high + 1
    linear = bucket_bounds(aggregation("lquantize", (), 4, (-10, 10, 10)))
    assert linear == [(None, -11), (-10, -1), (0, 9), (10, None)]
