"""printf conversions → one bytes template and the expressions that fill it.

A format is compiled once: every conversion becomes either a native `%` directive of
Python's bytes formatting, where that prints what C's printf prints, or `%s` around a call
of one of the functions below.  The expressions are Python source, evaluated in a namespace
that holds `helpers(...)`; see `dscript.output.clauses` and `dscript.output.aggregations`.

The semantics are the manual's chapter "Output Formatting": integers are sized by their
type, `%d` and `%i` print signed or unsigned as the argument's type is, and `%x %X %o %u %p`
print the argument's own width as an unsigned number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dscript.output.stacks import StackWriter
from dscript.program import Conversion

MONTHS = (
    b"Jan",
    b"Feb",
    b"Mar",
    b"Apr",
    b"May",
    b"Jun",
    b"Jul",
    b"Aug",
    b"Sep",
    b"Oct",
    b"Nov",
    b"Dec",
)
DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")

CHAR_MAX: Final = 127  # <limits.h>
# Columns that an argument for `*` may ask for, as many as a format may.
_WIDEST: Final = 1 << 20

# Conversions of K&R C that stand for a long one.
_LONG_LETTERS = {"D": "d", "O": "o", "U": "u"}
_ESCAPES = {
    0: rb"\0",
    7: rb"\a",
    8: rb"\b",
    9: rb"\t",
    10: rb"\n",
    11: rb"\v",
    12: rb"\f",
    13: rb"\r",
    34: rb"\"",
    92: rb"\\",
}
_ESCAPED = tuple(
    _ESCAPES.get(c, bytes([c]) if 32 <= c < 127 else b"\\%03o" % c) for c in range(256)
)


class Value(NamedTuple):
    """A value at run time: the source that yields it, decoded, and its type.

    int kinds give an int of the field's signedness, strings bytes cut at NUL, stacks and
    user symbols a tuple (`aggregates.KeyValue`).
    """

    expression: str
    kind: str
    size: int = 8
    signed: bool = True


def literal(text: str) -> bytes:
    """Format text as it stands in a template: bytes with `%` doubled."""
    return text.encode("utf-8", "surrogateescape").replace(b"%", b"%%")


def compile_format(
    conversions: Sequence[Conversion],
    values: Sequence[Value],
    totals: Sequence[Value] = (),
) -> tuple[bytes, list[str]]:
    """Template and expressions of a format over `values`, in order.

    `totals` are the values of aggregations: the nth `%@` takes the nth one, the last one
    serves those beyond.  One of kind "histogram" yields its picture as bytes.
    """
    template = bytearray()
    expressions: list[str] = []
    used = 0
    aggregations = 0
    for conversion in conversions:
        template += literal(conversion.prefix)
        if not conversion.letter:
            continue
        stars: list[str] = []
        for given in (conversion.width, conversion.precision):
            if given == -1:
                stars.append(f"star({values[used].expression})")
                used += 1
        if conversion.aggregation:
            index = min(aggregations, len(totals) - 1)
            aggregations += 1
            total = totals[index]
            if total.kind == "histogram":
                directive, found = b"%s", [total.expression]
            else:
                directive, found = _directive(conversion, total, stars)
        else:
            directive, found = _directive(conversion, values[used], stars)
            used += 1
        template += directive
        expressions += found
    return bytes(template), expressions


def _letter(conversion: Conversion) -> str:
    return _LONG_LETTERS.get(conversion.letter, conversion.letter)


def _dimensions(conversion: Conversion, stars: list[str]) -> tuple[str, str]:
    """Source for width and precision: a number, None, or the argument's expression."""
    left = list(stars)
    width = left.pop(0) if conversion.width == -1 else repr(conversion.width)
    precision = left.pop(0) if conversion.precision == -1 else repr(conversion.precision)
    return width, precision


def _directive(conversion: Conversion, value: Value, stars: list[str]) -> tuple[bytes, list[str]]:
    letter = _letter(conversion)
    if letter in "diouxXp":
        return _integer(conversion, value, letter, stars)
    if letter in "eEfFgG":
        if "'" in conversion.flags and letter not in "eE":
            width, precision = _dimensions(conversion, stars)
            shape = f"{conversion.flags!r}, {width}, {precision}, {letter!r}"
            return b"%s", [f"grouped({value.expression}, {shape})"]
        return _plain(conversion, letter, "-+ #0", value.expression, stars)
    if letter in ("c", "wc"):
        text = f"{value.expression} & 255" if letter == "c" else f"wide_char({value.expression})"
        return _plain(conversion, "c" if letter == "c" else "s", "-", text, stars)
    if letter == "k":
        width, precision = _dimensions(conversion, stars)
        kind = "user_stack" if value.kind == "ustack" else "kernel_stack"
        shape = f"frame_shape({'-' in conversion.flags}, {width}, {precision})"
        return b"%s", [f"{kind}({value.expression}, *{shape})"]
    return _plain(conversion, "s", "-", _text(letter, value), stars)


def _text(letter: str, value: Value) -> str:
    """Source of the bytes that `%s`-like conversions print."""
    expression = value.expression
    if value.kind == "bytes" and letter in "sSI":
        expression = f"cut({expression})"
    if letter == "s":
        return expression
    if letter in "aA":
        return _address(letter, value)
    if letter == "C":
        return f"ESCAPED[{expression} & 255]"
    name = {
        "S": "escape",
        "ws": "wide_string",
        "Y": "calendar",
        "y": "calendar",
        "T": "mail_date",
        "I": "host_name",
        "P": "service_name",
    }[letter]
    return f"{name}({expression})"


def _address(letter: str, value: Value) -> str:
    if value.kind in ("int", "float", "bytes"):
        mask = f"({value.expression} & 0xffffffffffffffff)"
        return f"kernel_address({mask})" if letter == "a" else f"target_address({mask})"
    return f"symbol[{value.kind!r}]({value.expression})"


def _plain(
    conversion: Conversion, letter: str, flags: str, expression: str, stars: list[str]
) -> tuple[bytes, list[str]]:
    """A native directive with the flags that mean something for it."""
    kept = "".join(f for f in conversion.flags if f in flags)
    precision = conversion.precision
    if precision == -1:
        # A negative precision is as none at all, which Python does not know.
        width, dynamic = _dimensions(conversion, stars)
        return b"%s", [f"pad({expression}, {kept!r}, {width}, {dynamic}, {letter!r})"]
    directive = f"%{kept}{_star(conversion.width)}"
    if precision is not None and letter != "c":
        directive += f".{precision}"
    return (directive + letter).encode(), [*stars, expression]


def _star(width: int | None) -> str:
    return "" if width is None else "*" if width == -1 else str(width)


def _integer(
    conversion: Conversion, value: Value, letter: str, stars: list[str]
) -> tuple[bytes, list[str]]:
    signed = letter in "di" and value.signed
    expression = value.expression
    if not signed and value.signed:
        expression = f"({expression} & {(1 << 8 * value.size) - 1:#x})"
    letter = "x" if letter == "p" else "d" if letter in "diu" else letter
    flags = conversion.flags if signed else conversion.flags.replace("+", "").replace(" ", "")
    precision = conversion.precision
    if "#" in flags or "'" in flags or precision in (0, -1):
        width, given = _dimensions(conversion, stars)
        sorted_flags = "".join(sorted(flags))
        call = f"integer({expression}, {sorted_flags!r}, {width}, {given}, {letter!r})"
        return b"%s", [call]
    if precision is not None:
        flags = flags.replace("0", "")
    directive = f"%{flags}{_star(conversion.width)}"
    if precision is not None:
        directive += f".{precision}"
    return (directive + letter).encode(), [*stars, expression]


def star(value: int) -> int:
    """An argument for `*` is a C int: its low 32 bits count."""
    number = ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000
    return max(-_WIDEST, min(_WIDEST, number))


def integer(value: int, flags: str, width: int | None, precision: int | None, letter: str) -> bytes:
    """An integer as C's printf writes it, for the flags Python treats otherwise.

    `letter` is d, o, x or X; unsigned conversions come here with a value ≥ 0.
    """
    if precision is not None and precision < 0:
        precision = None
    digits = f"{abs(value):{letter}}"
    if "'" in flags and letter == "d":
        digits = _grouped(digits)
    if precision is not None:
        digits = "" if precision == 0 and value == 0 else digits.rjust(precision, "0")
    sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
    if "#" in flags:
        if letter == "o" and not digits.startswith("0"):
            digits = "0" + digits
        elif letter in "xX" and value:
            sign += "0" + letter
    if width is None:
        return (sign + digits).encode()
    if width < 0:
        return (sign + digits).ljust(-width).encode()
    if "-" in flags:
        return (sign + digits).ljust(width).encode()
    if "0" in flags and precision is None:
        digits = digits.rjust(width - len(sign), "0")
    return (sign + digits).rjust(width).encode()


def grouped(
    value: float, flags: str, width: int | None, precision: int | None, letter: str
) -> bytes:
    """A floating-point number with its integral part grouped (`%'f`, `%'g`)."""
    precise = "" if precision is None or precision < 0 else f".{precision}"
    plain = "".join(flag for flag in "+ #" if flag in flags)
    text = f"%{plain}{precise}{letter}" % value
    start = 1 if text[:1] in ("-", "+", " ") else 0
    end = start
    while end < len(text) and text[end].isdecimal():
        end += 1
    if "e" not in text and "E" not in text:
        text = text[:start] + _grouped(text[start:end]) + text[end:]
    wide = 0 if width is None else abs(width)
    if "-" in flags or (width is not None and width < 0):
        return text.ljust(wide).encode()
    if "0" in flags:
        text = text[:start] + text[start:].rjust(wide - start, "0")
    return text.rjust(wide).encode()


@lru_cache(maxsize=1)
def _grouping() -> tuple[str, tuple[int, ...]]:
    """The separator of thousands, and the sizes of groups from the right, of the user's locale.

    The process itself stays in the C locale, where there is no separator.
    """
    import locale  # here and below: modules that few programs need

    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        convention = locale.localeconv()
    except locale.Error:  # the environment names a locale that is not there
        return "", ()
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    sizes = convention["grouping"]
    assert isinstance(sizes, list)
    return str(convention["thousands_sep"]), tuple(sizes)


def _grouped(digits: str) -> str:
    """Digits in groups, set apart as the locale says."""
    separator, sizes = _grouping()
    return in_groups(digits, separator, sizes)


def in_groups(digits: str, separator: str, sizes: Sequence[int]) -> str:
    """Digits in groups counted from the right (localeconv(3), `grouping`).

    A size of 0 at the end repeats the one before; CHAR_MAX ends the grouping.
    """
    if not separator:
        return digits
    groups: list[str] = []
    size = 0
    following = iter(sizes)
    while digits:
        size = next(following, 0) or size
        if size <= 0 or size == CHAR_MAX or size >= len(digits):
            break
        groups.insert(0, digits[-size:])
        digits = digits[:-size]
    return separator.join([digits, *groups])


def frame_shape(left: bool, width: int | None, precision: int | None) -> tuple[int, bytes]:
    """Indentation and directive of the frames that `%k` prints.

    Every frame is formatted as `%s` would be; only a left-aligned conversion indents them,
    by its width, and one without a width not at all.
    """
    width = width or 0
    left = left or width < 0
    cut = "" if precision is None or precision < 0 else f".{precision}"
    directive = f"%{'-' if left else ''}{abs(width) or ''}{cut}s"
    return (abs(width) if left else 0), directive.encode()


def pad(value: Any, flags: str, width: int | None, precision: int, letter: str) -> bytes:
    """A native directive whose precision comes from an argument and may be negative."""
    directive = "%" + flags + ("" if width is None else "*")
    stars: tuple[int, ...] = () if width is None else (width,)
    if precision >= 0 and letter != "c":
        directive += f".{precision}"
    return (directive + letter).encode() % (*stars, value)


def escape(text: bytes) -> bytes:
    """A string with unprintable bytes as C escapes (`%S`)."""
    return b"".join([_ESCAPED[c] for c in text])


def calendar(nanoseconds: int) -> bytes:
    """Nanoseconds of `walltimestamp` as local time: `2026 Nov 21 02:40:04` (`%Y`)."""
    t = time.localtime(nanoseconds // 1_000_000_000)
    clock = (t.tm_hour, t.tm_min, t.tm_sec)
    return b"%d %s %2d %02d:%02d:%02d" % (t.tm_year, MONTHS[t.tm_mon - 1], t.tm_mday, *clock)


def mail_date(nanoseconds: int) -> bytes:
    """The same as a date of RFC 822: `Sat, 21 Nov 2026 02:40:04 UTC` (`%T`)."""
    t = time.localtime(nanoseconds // 1_000_000_000)
    date = (DAYS[t.tm_wday], t.tm_mday, MONTHS[t.tm_mon - 1], t.tm_year)
    zone = (t.tm_zone or "UTC").encode()
    return b"%s, %02d %s %d %02d:%02d:%02d %s" % (*date, t.tm_hour, t.tm_min, t.tm_sec, zone)


def cut(text: bytes) -> bytes:
    return text.partition(b"\0")[0]


def wide_char(value: int) -> bytes:
    """A wchar_t as UTF-8; what is no character prints as U+FFFD."""
    value &= 0xFFFFFFFF
    valid = value < 0xD800 or 0xE000 <= value <= 0x10FFFF
    return chr(value).encode() if valid else "\ufffd".encode()


def wide_string(text: bytes) -> bytes:
    """An array of wchar_t, up to its NUL, as UTF-8."""
    result = bytearray()
    for i in range(0, len(text) - 3, 4):
        value = int.from_bytes(text[i : i + 4], "little")
        if not value:
            break
        result += wide_char(value)
    return bytes(result)


def host_name(address: bytes) -> bytes:
    """The name of an IPv4 or IPv6 address given as text; the address where it has none."""
    import socket

    text = cut(address).decode("ascii", "replace")
    try:
        return socket.gethostbyaddr(text)[0].encode()
    except (OSError, UnicodeError):
        return cut(address)


def service_name(port: int) -> bytes:
    """The name of a port in network byte order, else its number in host order."""
    import socket

    number = socket.ntohs(port & 0xFFFF)
    try:
        return socket.getservbyport(number).encode()
    except OSError:
        return b"%d" % number


def helpers(stacks: StackWriter) -> Mapping[str, Any]:
    """The names that the expressions of `compile_format` use."""
    table: dict[str, Callable[..., bytes] | object] = {
        "star": star,
        "integer": integer,
        "grouped": grouped,
        "frame_shape": frame_shape,
        "pad": pad,
        "escape": escape,
        "ESCAPED": _ESCAPED,
        "calendar": calendar,
        "mail_date": mail_date,
        "cut": cut,
        "wide_char": wide_char,
        "wide_string": wide_string,
        "host_name": host_name,
        "service_name": service_name,
        "kernel_stack": stacks.kernel_stack,
        "user_stack": stacks.user_stack,
        "kernel_address": stacks.kernel_address,
        "target_address": stacks.target_address,
        "symbol": stacks.symbol_functions(),
    }
    return table
