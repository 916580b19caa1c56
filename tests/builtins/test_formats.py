"""Formats of printf and printa, after the manual's chapter "Output Formatting"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscript.builtins.formats import Argument, FormatError, check_arguments, parse_format
from dscript.program import Conversion

INT = Argument("int", "int", 4)
LONG = Argument("int", "int64_t", 8)
STRING = Argument("string", "string", 256)
POINTER = Argument("pointer", "struct task_struct *", 8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("hello\n", (Conversion("hello\n", ""),)),
        ("100%%", (Conversion("100%", ""),)),
        ("%d", (Conversion("", "d"),)),
        ("a%%b%-5sc", (Conversion("a%b", "s", "-", 5), Conversion("c", ""))),
        ("%#+ 0'-12.3llx", (Conversion("", "x", "#+ 0'-", 12, 3, "ll"),)),
        ("%*.*d", (Conversion("", "d", "", -1, -1),)),
        ("%.s", (Conversion("", "s", "", None, 0),)),
        ("%05d", (Conversion("", "d", "0", 5),)),
        ("%10d", (Conversion("", "d", "", 10),)),
        ("%.10d", (Conversion("", "d", "", None, 10),)),
        ("%?p", (Conversion("", "p", "", 16),)),
        ("%@d", (Conversion("", "d", "", aggregation=True),)),
        ("%@-8d", (Conversion("", "d", "-", 8, aggregation=True),)),
        ("%-@8d", (Conversion("", "d", "-", 8, aggregation=True),)),
        ("%8@u", (Conversion("", "u", "", 8, aggregation=True),)),
        ("%wc%ws", (Conversion("", "wc"), Conversion("", "ws"))),
        ("%lc%ls", (Conversion("", "wc"), Conversion("", "ws"))),
        ("%Lf", (Conversion("", "f", size="L"),)),
        ("%hd%lu", (Conversion("", "d", size="h"), Conversion("", "u", size="l"))),
        ("naïve %s", (Conversion("naïve ", "s"),)),
        (b"\xff%d", (Conversion("\udcff", "d"),)),
        ("cut\0%q", (Conversion("cut", ""),)),
    ],
)
def test_parse(text: str | bytes, expected: tuple[Conversion, ...]) -> None:
    assert parse_format(text) == expected


@pytest.mark.parametrize("letter", "aAcCdDeEfFgGiIkoOpPsSTuUxXyY")
def test_every_conversion_of_the_manual(letter: str) -> None:
    (conversion,) = parse_format(f"%{letter}")
    assert conversion.letter == letter


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("%q", "format conversion #1 is undefined: %q", 0),
        ("%d %lq", "format conversion #2 is undefined: %lq", 3),
        ("%hs", "format conversion #1 is undefined: %hs", 0),
        ("%", "format conversion #1 missing conversion name before end of format string", 0),
        ("x%-", "format conversion #1 missing conversion name before end of format string", 1),
        ("%1$d", "format conversion #1 uses unsupported positional format (%n$)", 0),
        ("%5%", "format conversion #1 cannot be combined with other format flags: %%", 0),
        ("%..3d", "format conversion #1 has more than one '.' specified", 0),
        ("%**d", "format conversion #1 has more than one '*' specified for the output width", 0),
        (
            "%.**d",
            "format conversion #1 has more than one '*' specified for the output precision",
            0,
        ),
    ],
)
def test_parse_errors(text: str, message: str, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        parse_format(text)
    assert (caught.value.tag, caught.value.message) == ("D_SYNTAX", message)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("%d %s", [INT, STRING]),
        ("%*d", [INT, LONG]),
        ("%-*.*s", [INT, INT, STRING]),
        ("%p %a %A", [POINTER, LONG, POINTER]),
        ("%Y", [LONG]),
        ("%c %C %wc", [INT, INT, INT]),
        ("%k", [Argument("stack", "stack")]),
        ("%a %A", [Argument("sym", "sym"), Argument("umod", "umod")]),
        ("%s", [Argument("char_array", "char [16]", 16)]),
        ("%f", [Argument("float", "double")]),
    ],
)
def test_arguments_that_fit(text: str, arguments: list[Argument]) -> None:
    check_arguments(parse_format(text), arguments)


@pytest.mark.parametrize(
    ("text", "arguments", "tag", "message"),
    [
        (
            "%d",
            [],
            "D_PRINTF_ARG_PROTO",
            "printf( ) prototype mismatch: conversion #1 (%d) is missing a corresponding "
            "value argument",
        ),
        (
            "%s %lld",
            [STRING],
            "D_PRINTF_ARG_PROTO",
            "printf( ) prototype mismatch: conversion #2 (%lld) is missing a corresponding "
            "value argument",
        ),
        (
            "%d",
            [STRING],
            "D_PRINTF_ARG_TYPE",
            "printf( ) argument #2 is incompatible with conversion #1 prototype:\n"
            "\tconversion: %d\n\t prototype: char, short, int, long, or long long\n"
            "\t  argument: string",
        ),
        (
            "%s",
            [INT],
            "D_PRINTF_ARG_TYPE",
            "printf( ) argument #2 is incompatible with conversion #1 prototype:\n"
            "\tconversion: %s\n\t prototype: char [] or string (or use stringof)\n"
            "\t  argument: int",
        ),
        (
            "hi",
            [INT],
            "D_PRINTF_ARG_EXTRA",
            "printf( ) prototype mismatch: only 0 arguments required by this format string",
        ),
        (
            "%d",
            [INT, INT],
            "D_PRINTF_ARG_EXTRA",
            "printf( ) prototype mismatch: only 1 arguments required by this format string",
        ),
        (
            "%*d",
            [],
            "D_PRINTF_DYN_PROTO",
            'printf( ) prototype mismatch: conversion #1 (%d) is missing a corresponding "*" '
            "argument",
        ),
        (
            "%.*s",
            [STRING, STRING],
            "D_PRINTF_DYN_TYPE",
            "printf( ) argument #2 is incompatible with conversion #1 prototype:\n"
            "\tconversion: %.*s\n\t prototype: int\n\t  argument: string",
        ),
        (
            "%@d",
            [],
            "D_PRINTF_AGG_CONV",
            "%@ conversion requires an aggregation and is not for use with printf( )",
        ),
    ],
)
def test_arguments_that_do_not(
    text: str, arguments: list[Argument], tag: str, message: str
) -> None:
    with pytest.raises(FormatError) as caught:
        check_arguments(parse_format(text), arguments)
    assert (caught.value.tag, caught.value.message) == (tag, message)


def test_characters_are_at_most_int() -> None:
    check_arguments(parse_format("%c"), [INT])
    with pytest.raises(FormatError):
        check_arguments(parse_format("%c"), [LONG])


def test_printa_may_leave_keys_out() -> None:
    parsed = parse_format("%s %@d\n")
    check_arguments(parsed, [STRING, INT], "printa", exact=False, takes_aggregation=True)
    with pytest.raises(FormatError) as caught:
        check_arguments(
            parse_format("%@s"), [STRING], "printa", exact=False, takes_aggregation=True
        )
    assert caught.value.message.startswith(
        "printa( ) aggregating action is incompatible with conversion #1 prototype:"
    )


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        conversions = parse_format(text)
    except FormatError as error:
        assert error.tag == "D_SYNTAX"
    else:
        # Only the last one may be plain text, and only when there is text to print.
        assert all(c.letter for c in conversions[:-1])
        assert all(c.letter or c.prefix for c in conversions)


@given(st.text(alphabet=st.characters(blacklist_characters="\0"), max_size=40))
def test_escaped_text_is_itself(text: str) -> None:
    conversions = parse_format(text.replace("%", "%%"))
    assert "".join(c.prefix for c in conversions) == text
