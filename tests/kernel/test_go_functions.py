"""The function tables of Go programs, put together by hand from debug/gosym/pclntab.go."""

from __future__ import annotations

import struct

import pytest

from dscript.kernel.go_functions import functions, text_start

# Two functions, of 0x30 and 0x10 bytes.
EXPECTED = [("main.main", 0x401000, 0x30), ("main.(*T).m", 0x401030, 0x10)]
NAMES = b"main.main\0main.(*T).m\0"
START = 0x401000


def table(magic: int) -> bytes:
    """Header, names, rows, and of each function what comes before its name and the name."""
    absolute = magic == 0xFFFFFFFA
    row, head = ("<QQ", "<Qi") if absolute else ("<II", "<Ii")
    base = START if absolute else 0
    words = 7 if absolute else 8
    names_at = 8 + 8 * words
    rows_at = names_at + len(NAMES)
    first = 2 * struct.calcsize(row) + struct.calcsize(row) // 2
    places = [first, first + struct.calcsize(head)]
    starts = [base, base + 0x30, base + 0x40]
    offsets = [names_at, 0, 0, 0, rows_at]
    header = [2, 0, *([] if absolute else [START]), *offsets]
    made = struct.pack("<IHBB", magic, 0, 1, 8) + struct.pack(f"<{words}Q", *header) + NAMES
    for start, place in zip(starts, places, strict=False):
        made += struct.pack(row, start, place)
    made += struct.pack(row[:2], starts[2])
    for start, name in zip(starts, (0, len(b"main.main\0")), strict=False):
        made += struct.pack(head, start, name)
    return made


@pytest.mark.parametrize("magic", [0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1])
def test_forms(magic: int) -> None:
    data = table(magic)
    at = text_start(data)
    assert at == (None if magic == 0xFFFFFFFA else 24)
    if at is not None:
        assert struct.unpack_from("<Q", data, at) == (START,)
    assert list(functions(data, START)) == EXPECTED


def test_what_is_no_such_table() -> None:
    data = table(0xFFFFFFF1)
    assert list(functions(b"", 0)) == []
    assert list(functions(b"\xfb\xff\xff\xff" + data[4:], START)) == []  # Go 1.2
    assert list(functions(data[:7] + b"\4" + data[8:], START)) == []  # of a 32-bit machine
    for length in range(len(data)):
        list(functions(data[:length], START))
