"""printf: every conversion of the manual's chapter "Output Formatting"."""

from __future__ import annotations

import ctypes
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscript.output.formatting import CHAR_MAX, in_groups
from dscript.program import Field

from .support import quiet

LIBC = ctypes.CDLL(None)
INT_FORMATS = {
    (1, True): "b",
    (1, False): "B",
    (2, True): "h",
    (2, False): "H",
    (4, True): "i",
    (4, False): "I",
    (8, True): "q",
    (8, False): "Q",
}


def integer(size: int, signed: bool) -> Field:
    return Field("int", 0, size, signed)


def show(text: str, value: int, size: int = 4, signed: bool = True) -> str:
    body = struct.pack("<" + INT_FORMATS[size, signed], value)
    return quiet(text, body, integer(size, signed))


def string(text: str, value: bytes, size: int = 64) -> str:
    return quiet(text, value.ljust(size, b"\0"), Field("string", 0, size))


@pytest.mark.parametrize(
    ("text", "value", "size", "signed", "expected"),
    [
        ("%d", -1, 1, True, "-1"),
        ("%d", 255, 1, False, "255"),
        ("%i", -32768, 2, True, "-32768"),
        ("%d", 2**32 - 1, 4, False, "4294967295"),
        ("%d", -(2**63), 8, True, "-9223372036854775808"),
        ("%d", 2**64 - 1, 8, False, "18446744073709551615"),
        ("%u", -1, 1, True, "255"),
        ("%u", -1, 2, True, "65535"),
        ("%u", -1, 4, True, "4294967295"),
        ("%u", -1, 8, True, "18446744073709551615"),
        ("%x", -1, 4, True, "ffffffff"),
        ("%X", -1, 1, True, "FF"),
        ("%o", -1, 1, True, "377"),
        ("%p", 0xFFFFFFFF81000000, 8, False, "ffffffff81000000"),
        ("%?p", 0xBEEF, 8, False, "            beef"),
        ("%lld", 7, 4, True, "7"),
        ("%hd", 70000, 4, True, "70000"),
        ("%D %%", 7, 8, True, "7 %"),
        ("%O", 8, 8, True, "10"),
        ("%U", -1, 8, True, "18446744073709551615"),
        ("%#x", 255, 4, True, "0xff"),
        ("%#X", 255, 4, True, "0XFF"),
        ("%#x", 0, 4, True, "0"),
        ("%#o", 8, 4, True, "010"),
        ("%#o", 0, 4, True, "0"),
        ("%#8x|", 255, 4, True, "    0xff|"),
        ("%#08x|", 255, 4, True, "0x0000ff|"),
        ("%-#8x|", 255, 4, True, "0xff    |"),
        ("%+d", 5, 4, True, "+5"),
        ("%+u", 5, 4, True, "5"),
        ("%+d", 5, 4, False, "5"),
        ("% d", 5, 4, True, " 5"),
        ("%05d", -42, 4, True, "-0042"),
        ("%-5d|", -42, 4, True, "-42  |"),
        ("%5d|", 1234567, 4, True, "1234567|"),
        ("%.5d", -42, 4, True, "-00042"),
        ("%08.5d|", 42, 4, True, "   00042|"),
        ("%.0d|", 0, 4, True, "|"),
        ("%'d", 1234567, 4, True, "1234567"),
        ("%c", 65, 4, True, "A"),
        ("%c", 0x141, 4, True, "A"),
        ("%3c|", 65, 1, True, "  A|"),
        ("%C", 10, 4, True, "\\n"),
        ("%C", 65, 1, True, "A"),
        ("%C", 1, 1, True, "\\001"),
        ("%C", 0, 1, True, "\\0"),
        ("%wc", 0x20AC, 4, True, "€"),
        ("%lc", 0x1F600, 4, True, "😀"),
        ("%a", 0x1010, 8, False, "vmlinux`do_work+0x10"),
        ("%a", 0x1000, 8, False, "vmlinux`do_work"),
        ("%a", 0x1800, 8, False, "km`0x1800"),
        ("%a", 0x10, 8, False, "0x10"),
        ("%24a|", 0x1010, 8, False, "    vmlinux`do_work+0x10|"),
        ("%A", 0x400010, 8, False, "0x400010"),
        ("%P", 0x5000, 2, False, "http"),
        ("%P", 0xFFFF, 2, False, "65535"),
    ],
)
def test_integers(text: str, value: int, size: int, signed: bool, expected: str) -> None:
    assert show(text, value, size, signed) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("%s", b"", ""),
        ("[%10s]", b"abc", "[       abc]"),
        ("[%-10s]", b"abc", "[abc       ]"),
        ("[%.2s]", b"abc", "[ab]"),
        ("[%5.1s]", b"abc", "[    a]"),
        ("%s", "naïve ☃".encode(), "naïve ☃"),
        ("%s", b"cut\0away", "cut"),
        ("%S", b'a\t"b"\\\x01\x7f', 'a\\t\\"b\\"\\\\\\001\\177'),
        ("%S", "é".encode(), "\\303\\251"),
        ("100%% %s", b"%d", "100% %d"),
        ("%I", b"no address", "no address"),
        ("%s", b"x" * 64, "x" * 64),
    ],
)
def test_strings(text: str, value: bytes, expected: str) -> None:
    assert string(text, value) == expected


def test_wide_strings() -> None:
    body = "žluť☃".encode("utf-32-le") + b"\0\0\0\0" + b"junk"
    assert quiet("%ws|", body, Field("bytes", 0, len(body))) == "žluť☃|"


def test_character_arrays_end_at_nul() -> None:
    assert quiet("%s|", b"comm\0junk", Field("bytes", 0, 9)) == "comm|"


@pytest.mark.parametrize("value", [3, -3, 0])
def test_width_and_precision_from_arguments(value: int) -> None:
    fields = (Field("int", 0, 4, True), Field("int", 4, 4, True), Field("int", 8, 4, True))
    for width in (-6, 6):
        for precision in (-1, 0, 3):
            body = struct.pack("<iii", width, precision, value)
            expected = ctypes.create_string_buffer(64)
            LIBC.snprintf(expected, 64, b"%*.*d|", width, precision, value)
            assert quiet("%*.*d|", body, *fields) == expected.value.decode()


def test_precision_of_strings_from_arguments() -> None:
    fields = (Field("int", 0, 4, True), Field("string", 4, 8))
    body = b"abcdef\0\0"
    assert quiet("%.*s|", struct.pack("<i", 2) + body, *fields) == "ab|"
    assert quiet("%.*s|", struct.pack("<i", -1) + body, *fields) == "abcdef|"


def test_arguments_for_stars_are_c_ints() -> None:
    """The low 32 bits of a 64-bit number; what is out of all measure ends at a million."""
    fields = (Field("int", 0, 8, True), Field("string", 8, 8))
    body = b"abcdef\0\0"
    assert quiet("%*s|", struct.pack("<q", (1 << 40) + 8) + body, *fields) == "  abcdef|"
    assert quiet("%.*s|", struct.pack("<q", 2**63 - 1) + body, *fields) == "abcdef|"
    assert len(quiet("%*s", struct.pack("<q", 2**31 - 1) + body, *fields)) == 1 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%f", "1.500000"),
        ("%.1f", "1.5"),
        ("%e", "1.500000e+00"),
        ("%g", "1.5"),
        ("%G", "1.5"),
        ("%E", "1.500000E+00"),
        ("%8.2f|", "    1.50|"),
        ("%Lf", "1.500000"),
        ("%+.0F", "+2"),
    ],
)
def test_floats(text: str, expected: str) -> None:
    assert quiet(text, struct.pack("<d", 1.5), Field("float", 0, 8)) == expected


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()


def test_times(utc: None) -> None:
    # 2026-11-21 02:40:04 UTC, a Saturday; 2001-02-03 has a one-digit day.
    late = 1795228804 * 10**9 + 999_999_999
    early = 981173106 * 10**9
    assert show("%Y", late, 8, False) == "2026 Nov 21 02:40:04"
    assert show("%y", late, 8, False) == "2026 Nov 21 02:40:04"
    assert show("%Y", early, 8, False) == "2001 Feb  3 04:05:06"
    assert show("%T", late, 8, False) == "Sat, 21 Nov 2026 02:40:04 UTC"
    assert show("%25Y|", early, 8, False) == "     2001 Feb  3 04:05:06|"


def test_stacks() -> None:
    body = struct.pack("<4Q", 0x1010, 0x1800, 0x99, 0)
    stack = Field("stack", 0, 32)
    lines = ["vmlinux`do_work+0x10", "km`0x1800", "0x99"]
    # Formatted frame by frame as %s; indented only when left-aligned, by the width.
    assert quiet("%k", body, stack) == "\n" + "".join(f"{line}\n" for line in lines)
    assert quiet("%22k", body, stack) == "\n" + "".join(f"{line:>22}\n" for line in lines)
    assert quiet("%-5k", body, stack) == "\n" + "".join(f"     {line:5}\n" for line in lines)
    assert quiet("%.4k", body, stack) == "\n" + "".join(f"{line[:4]}\n" for line in lines)
    assert quiet("%k", bytes(32), stack) == "\n"


def test_stacks_with_a_width_from_an_argument() -> None:
    fields = (Field("int", 0, 4, True), Field("stack", 8, 8))
    for width, expected in ((12, "        0x99"), (-6, "      0x99  "), (0, "0x99")):
        body = struct.pack("<iiQ", width, 0, 0x99)
        assert quiet("%*k", body, *fields) == f"\n{expected}\n"


FLAGS = st.text("-+ #0", max_size=3)


@settings(max_examples=300)
@given(
    flags=FLAGS,
    width=st.none() | st.integers(1, 24),
    precision=st.none() | st.integers(0, 24),
    letter=st.sampled_from("diuxXo"),
    size_signed=st.sampled_from(sorted(INT_FORMATS)),
    raw=st.binary(min_size=8, max_size=8) | st.sampled_from([b"\0" * 8, b"\xff" * 8]),
)
def test_integers_print_as_in_c(
    flags: str,
    width: int | None,
    precision: int | None,
    letter: str,
    size_signed: tuple[int, bool],
    raw: bytes,
) -> None:
    """Against the C library's printf, given the value at 64 bits."""
    size, signed = size_signed
    (value,) = struct.unpack_from("<" + INT_FORMATS[size, signed], raw)
    unsigned = value & ((1 << 8 * size) - 1)
    dimensions = ("" if width is None else str(width)) + (
        "" if precision is None else f".{precision}"
    )
    mine = quiet(f"%{flags}{dimensions}{letter}|", raw[:size], integer(size, signed))
    native = letter if letter not in "di" else "d" if signed else "u"
    number = ctypes.c_longlong(value) if native == "d" else ctypes.c_ulonglong(unsigned)
    expected = ctypes.create_string_buffer(128)
    LIBC.snprintf(expected, 128, f"%{flags}{dimensions}ll{native}|".encode(), number)
    assert mine == expected.value.decode()


@given(
    value=st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"")),
    width=st.integers(1, 50),
    left=st.booleans(),
    precision=st.none() | st.integers(0, 50),
)
def test_strings_print_as_in_c(value: bytes, width: int, left: bool, precision: int | None) -> None:
    directive = f"%{'-' if left else ''}{width}{'' if precision is None else f'.{precision}'}s"
    expected = ctypes.create_string_buffer(256)
    LIBC.snprintf(expected, 256, directive.encode(), value)
    from .support import Run, clause, printf

    run = Run([clause(printf(directive, Field("string", 0, 64)))], options={"quiet": ""})
    run.fire(0, value.ljust(64, b"\0"))
    assert run.out.getvalue() == expected.value


@pytest.mark.parametrize(
    ("digits", "sizes", "expected"),
    [
        ("1234567", (3, 3, 0), "1.234.567"),
        ("123", (3, 3, 0), "123"),
        ("1234567", (3, 2, 0), "12.34.567"),
        ("1234567", (3, CHAR_MAX), "1234.567"),
        ("1234567", (3,), "1.234.567"),
        ("1234567", (), "1234567"),
        ("", (3, 0), ""),
    ],
)
def test_groups_of_digits(digits: str, sizes: tuple[int, ...], expected: str) -> None:
    """As localeconv(3) defines `grouping`."""
    assert in_groups(digits, ".", sizes) == expected
    assert in_groups(digits, "", sizes) == digits
