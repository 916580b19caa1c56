"""The formats of `printf` and `printa`: text → conversions, and conversions against arguments.

The grammar is that of the manual's chapter "Output Formatting": `%`, flags, width,
precision, size prefix, conversion name.  Sizes never change what is printed (DTrace sizes
every integer by its argument), they only have to form a name that exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dscript.program import Conversion

ArgumentKind = Literal[
    "int",
    "enum",
    "float",
    "pointer",
    "string",
    "char_array",
    "wchar_array",
    "stack",
    "sym",
    "mod",
    "func",
    "usym",
    "umod",
    "ufunc",
    "uaddr",
    "other",
]

_KERNEL_SYMBOLS = frozenset({"sym", "mod", "func"})
_USER_SYMBOLS = frozenset({"usym", "umod", "ufunc", "uaddr"})
_INTEGERS = frozenset({"int", "enum"})

_XINT = "char, short, int, long, or long long"
_CSI = "char, short, or int"
_FP = "float, double, or long double"
_ADDR = "pointer or integer"
_UADDR = "pointer or integer (with -p/-c) or _usymaddr (without -p/-c)"
_CSTR = "char [] or string (or use stringof)"
_WSTR = "wchar_t []"

# Conversion letter → (accepted argument kinds, what the message calls them).
_PROTOTYPES: dict[str, tuple[frozenset[str], str]] = {
    **dict.fromkeys("diouxXDOU", (_INTEGERS, _XINT)),
    **dict.fromkeys("cC", (_INTEGERS, _CSI)),
    "wc": (_INTEGERS, "wchar_t"),
    **{letter: (frozenset({"float"}), _FP) for letter in "eEfFgG"},
    "a": (_INTEGERS | _KERNEL_SYMBOLS | {"pointer"}, _ADDR),
    "A": (_INTEGERS | _USER_SYMBOLS | {"pointer"}, _UADDR),
    "p": (_INTEGERS | {"pointer"}, _ADDR),
    "P": (_INTEGERS, "uint16_t"),
    "I": (frozenset({"string", "char_array"}), _CSTR),
    "k": (frozenset({"stack"}), "stack"),
    "s": (frozenset({"string", "char_array"}), _CSTR),
    "S": (frozenset({"string", "char_array"}), _CSTR),
    "ws": (frozenset({"wchar_array"}), _WSTR),
    **dict.fromkeys("TyY", (_INTEGERS, "int64_t")),
}

# Size prefixes each letter takes; `lc` and `ls` are other spellings of `wc` and `ws`.
_SIZES: dict[str, frozenset[str]] = {
    **{letter: frozenset({"", "h", "l", "ll"}) for letter in "diouxX"},
    **{letter: frozenset({"", "l", "L"}) for letter in "eEfFgG"},
    **{letter: frozenset({"", "l", "w"}) for letter in "cs"},
}
_PLAIN = frozenset({""})
_SIZE_LETTERS = frozenset("hlLw")
_FLAGS = frozenset("-+ #0'")
_POINTER_WIDTH = 16  # what `?` stands for: the hexadecimal digits of a pointer
_LARGEST_WIDTH = 2**20  # columns; nobody reads more, and memory has an end


class FormatError(Exception):
    """A format, or its arguments, that cannot be: tag, message, place.

    `offset` is the character offset in the format text, None when an argument is at fault;
    `argument` is then the index of that argument among those after the format, None when
    the call as a whole is wrong.
    """

    def __init__(
        self, tag: str, message: str, offset: int | None = None, argument: int | None = None
    ) -> None:
        super().__init__(message)
        self.tag = tag
        self.message = message
        self.offset = offset
        self.argument = argument


@dataclass(frozen=True, slots=True)
class Argument:
    """What the check needs to know of a value: its kind, its size in bytes, its type's name."""

    kind: ArgumentKind
    type_name: str
    size: int = 8


def parse_format(text: str | bytes) -> tuple[Conversion, ...]:
    """The conversions of a format, in order; the text after the last one is a letterless one.

    Bytes that are not UTF-8 survive in `prefix` as surrogate escapes.  Raises FormatError
    (D_SYNTAX) naming the conversion by number, from 1.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    text = text.partition("\0")[0]
    result: list[Conversion] = []
    prefix = ""
    at = 0
    while True:
        percent = text.find("%", at)
        if percent < 0:
            prefix += text[at:]
            break
        prefix += text[at:percent]
        if text.startswith("%%", percent):
            prefix += "%"
            at = percent + 2
            continue
        parser = _ConversionParser(text, percent, len(result) + 1)
        result.append(parser.parse(prefix))
        prefix = ""
        at = parser.at
    if prefix:
        result.append(Conversion(prefix, ""))
    return tuple(result)


class _ConversionParser:
    """Reads one conversion; `at` is the offset behind it afterwards."""

    def __init__(self, text: str, percent: int, number: int) -> None:
        self.text = text
        self.start = percent
        self.at = percent + 1
        self.number = number
        self.flags = ""
        self.width: int | None = None
        self.precision: int | None = None
        self.dot = False
        self.aggregation = False
        self.name = ""

    def parse(self, prefix: str) -> Conversion:
        while True:
            if self.at >= len(self.text):
                raise self.error("missing conversion name before end of format string")
            char = self.text[self.at]
            if not self.modifier(char):
                break
        self.at += 1
        if char == "%":
            raise self.error("cannot be combined with other format flags: %%")
        self.name += char
        letter, size = self.split_name()
        return Conversion(
            prefix, letter, self.flags, self.width, self.precision, size, self.aggregation
        )

    def modifier(self, char: str) -> bool:
        """Take one flag, number, dot or size letter; False at the conversion's own letter."""
        if char.isascii() and char.isdigit() and not (char == "0" and self.zero_is_flag()):
            self.number_at()
            return True
        if char in _FLAGS:
            if char not in self.flags:
                self.flags += char
        elif char == "@":
            self.aggregation = True
        elif char == "?":
            self.width = _POINTER_WIDTH
        elif char == "*":
            self.star()
        elif char == ".":
            if self.dot:
                raise self.error("has more than one '.' specified")
            self.dot = True
            self.precision = 0
        elif char == "$":
            raise self.error("uses unsupported positional format (%n$)")
        elif char in _SIZE_LETTERS:
            self.name += char
        else:
            return False
        self.at += 1
        return True

    def zero_is_flag(self) -> bool:
        return not self.dot and self.width is None

    def number_at(self) -> None:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "0123456789":
            self.at += 1
        value = int(self.text[start : self.at])
        if value > _LARGEST_WIDTH:
            raise self.error("has a width or precision that is too large")
        if self.dot:
            self.precision = value
        else:
            self.width = value

    def star(self) -> None:
        old = self.precision if self.dot else self.width
        if old == -1:
            what = "precision" if self.dot else "width"
            raise self.error(f"has more than one '*' specified for the output {what}")
        if self.dot:
            self.precision = -1
        else:
            self.width = -1

    def split_name(self) -> tuple[str, str]:
        """Letter (`wc` and `ws` with their `w`) and size prefix of the collected name."""
        size, letter = self.name[:-1], self.name[-1]
        if letter in _PROTOTYPES and size in _SIZES.get(letter, _PLAIN):
            if letter in "cs" and size:
                return f"w{letter}", ""
            return letter, size
        raise self.error(f"is undefined: %{self.name}")

    def error(self, what: str) -> FormatError:
        message = f"format conversion #{self.number} {what}"
        return FormatError("D_SYNTAX", message, self.start)


def check_arguments(
    conversions: Sequence[Conversion],
    arguments: Sequence[Argument],
    function: str = "printf",
    *,
    first: int = 1,
    exact: bool = True,
    takes_aggregation: bool = False,
) -> None:
    """Raise FormatError unless the arguments fit the conversions.

    `first` is the number of arguments before `arguments[0]` in the call, so that messages
    count as people do: 1 for `printf(format, …)`.  `exact` refuses arguments left over
    (printa leaves keys out freely).  `%@` stands for an aggregation's value and takes no
    argument; it is refused unless `takes_aggregation`.
    """
    used = 0
    numbered = (c for c in conversions if c.letter)
    for number, conversion in enumerate(numbered, 1):
        name = conversion.size + conversion.letter
        for given, star in ((conversion.width, "*"), (conversion.precision, ".*")):
            if given == -1:
                _check_star(arguments, used, function, first, number, name, star)
                used += 1
        if conversion.aggregation:
            if not takes_aggregation:
                raise FormatError(
                    "D_PRINTF_AGG_CONV",
                    f"%@ conversion requires an aggregation and is not for use with {function}( )",
                )
            value = Argument("int", "<aggregation>")
            who = "aggregating action"
        else:
            if used >= len(arguments):
                raise FormatError(
                    "D_PRINTF_ARG_PROTO",
                    f"{function}( ) prototype mismatch: conversion #{number} (%{name}) is "
                    "missing a corresponding value argument",
                )
            value = arguments[used]
            who = f"argument #{used + first + 1}"
            used += 1
        accepted, prototype = _PROTOTYPES[conversion.letter]
        if value.kind not in accepted or (conversion.letter in "cC" and _too_wide(value)):
            raise FormatError(
                "D_PRINTF_ARG_TYPE",
                f"{function}( ) {who} is incompatible with conversion #{number} prototype:\n"
                f"\tconversion: %{name}\n\t prototype: {prototype}\n"
                f"\t  argument: {value.type_name}",
                argument=None if conversion.aggregation else used - 1,
            )
    if exact and used < len(arguments):
        raise FormatError(
            "D_PRINTF_ARG_EXTRA",
            f"{function}( ) prototype mismatch: only {used} arguments required by this format "
            "string",
            argument=used,
        )


def _too_wide(value: Argument) -> bool:
    # %@c is nonsense in DTrace too; a long or long long is not a character.
    return value.size > 4


def _check_star(
    arguments: Sequence[Argument],
    used: int,
    function: str,
    first: int,
    number: int,
    name: str,
    star: str,
) -> None:
    if used >= len(arguments):
        raise FormatError(
            "D_PRINTF_DYN_PROTO",
            f"{function}( ) prototype mismatch: conversion #{number} (%{name}) is missing a "
            f'corresponding "{star}" argument',
        )
    if arguments[used].kind not in _INTEGERS:
        raise FormatError(
            "D_PRINTF_DYN_TYPE",
            f"{function}( ) argument #{used + first + 1} is incompatible with conversion "
            f"#{number} prototype:\n\tconversion: %{star}{name}\n\t prototype: int\n"
            f"\t  argument: {arguments[used].type_name}",
            argument=used,
        )
