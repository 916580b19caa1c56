"""printf of integers against the C library's: every conversion, size, sign and flag.

D sizes every integer by its type, so the C library is asked with the size prefix of that
type; what is left is C's own formatting.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
from pathlib import Path

import pytest

from tests.command import DSCRIPT
from tests.output_e2e.runner import run

LIBC = ctypes.CDLL(None)
LIBC.snprintf.restype = ctypes.c_int

# D type, the C prefix of its size, whether it is signed, bits.
TYPES = [
    ("char", "hh", True, 8),
    ("unsigned char", "hh", False, 8),
    ("short", "h", True, 16),
    ("uint16_t", "h", False, 16),
    ("int", "", True, 32),
    ("unsigned int", "", False, 32),
    ("long", "l", True, 64),
    ("uint64_t", "l", False, 64),
]
FLAGS = ["", "-", "+", " ", "0", "#", "-#", "0#", "+0"]
SIZES = ["", "1", "12", ".0", ".5", "12.5", "12."]
PER_PROGRAM = 170


def c_printf(directive: str, value: int) -> str:
    buffer = ctypes.create_string_buffer(256)
    LIBC.snprintf(buffer, 256, directive.encode(), ctypes.c_longlong(value))
    return buffer.value.decode()


def values(signed: bool, bits: int) -> list[int]:
    top = (1 << bits - 1) - 1 if signed else (1 << bits) - 1
    return [0, 1, 42, top] + ([-1, -top - 1] if signed else [])


def literal(value: int, type_: str) -> str:
    if value == -(1 << 63):
        return f"({type_})(-{-value - 1} - 1)"
    return f"({type_}){value if value < 0 else str(value) + ('ULL' if value >> 63 else '')}"


def cases() -> list[tuple[str, str, str]]:
    """(D format, D argument, what C prints), spread over all combinations."""
    found = []
    turn = itertools.count()
    for (type_, prefix, signed, bits), letter, flags, size in itertools.product(
        TYPES, "dioxXu", FLAGS, SIZES
    ):
        number = next(turn)
        if number % 9:  # every ninth: all 3,024 of them would take a minute
            continue
        choice = values(signed, bits)
        value = choice[number // 9 % len(choice)]
        # + and blank mean nothing for unsigned conversions; %d of an unsigned is %u.
        name = "u" if letter in "di" and not signed else letter
        kept = flags if name in "di" else flags.replace("+", "").replace(" ", "")
        if name in "diu":
            kept = kept.replace("#", "")
        expected = c_printf(f"%{kept}{size}{prefix}{name}", value)
        found.append((f"%{flags}{size}{letter}", literal(value, type_), expected))
    return found


def test_integers(tmp_path: Path) -> None:
    todo = cases()
    assert len(todo) > 300
    wrong = []
    for at in range(0, len(todo), PER_PROGRAM):
        part = todo[at : at + PER_PROGRAM]
        clauses = [f'BEGIN {{ printf("[{f}]\\n", {argument}); }}' for f, argument, _ in part]
        done = run(["-q"], "\n".join([*clauses, "BEGIN { exit(0); }"]), tmp_path)
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert len(lines) == len(part) + 1
        for (form, argument, expected), line in zip(part, lines, strict=False):
            if line != f"[{expected}]":
                wrong.append((form, argument, expected, line))
    assert not wrong


def test_sizes_say_nothing(tmp_path: Path) -> None:
    """The argument's type counts, whatever prefix the conversion has."""
    program = (
        'BEGIN { printf("%hd %ld %lld %hx %lx %llx %lu\\n", -1, -1, -1, -1, -1, -1, -1); exit(0); }'
    )
    done = run(["-q"], program, tmp_path)
    assert done.stdout == "-1 -1 -1 ffffffff ffffffff ffffffff 4294967295\n\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en_US", "[1,234,567] [-1,234,567] [   12,345] [12,345   ] [000012,345] [12,345.7] [999]"),
        # Groups of three, then of two: the lakh and the crore.
        ("en_IN", "[12,34,567] [-12,34,567] [   12,345] [12,345   ] [000012,345] [12,345.7] [999]"),
        # No blank of a single byte: the locale's separator is U+202F.
        ("fr_FR", None),
    ],
)
def test_grouping_follows_the_locale(name: str, expected: str | None, tmp_path: Path) -> None:
    made = tmp_path / f"{name}.UTF-8"
    words = ["localedef", "-f", "UTF-8", "-i", name, str(made)]
    subprocess.run(words, check=False, capture_output=True, timeout=60)
    if not (made / "LC_NUMERIC").exists():
        assert not os.environ.get("CI"), "Debian's package locales is not installed"
        pytest.skip("Debian's package locales is not installed")
    program = (
        "BEGIN { printf(\"[%'d] [%'d] [%'9u] [%-'9d] [%'010d] [%'.1f] [%'i]\\n\", "
        "1234567, -1234567, 12345, 12345, 12345, 12345.67, 999); exit(0); }"
    )
    # C's own numbers: the C library of a process in that locale.
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": f"{name}.UTF-8"}
    done = subprocess.run(
        [DSCRIPT, "-qn", program], capture_output=True, timeout=60, check=True, env=environment
    )
    if expected is None:
        expected = (
            "[1_234_567] [-1_234_567] [12_345] [12_345] [0012_345] [12_345.7] [999]"
        ).replace("_", "\u202f")
        assert done.stdout.decode().split("] [")[0] == expected.split("] [")[0]
    else:
        assert done.stdout.decode() == expected + "\n\n"
