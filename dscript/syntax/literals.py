"""Values of constants: integers, floats, characters and strings as D (and C) write them."""

from __future__ import annotations

import re

from dscript.errors import Diagnostic, Span
from dscript.source import Source
from dscript.syntax import ast
from dscript.syntax.tokens import Token

_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)(.*)", re.DOTALL)
_FLOAT = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(.*)", re.DOTALL)
_INTEGER_SUFFIXES = frozenset(("", "u", "l", "ul", "lu", "ll", "ull", "llu"))
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
# Bytes of the integer that a character constant is.
_MAX_CHARACTERS = 8


def integer(source: Source, token: Token) -> ast.Integer:
    """An integer constant; errors `D_INT_DIGIT`, `D_INT_OFLOW`."""
    span = Span(source, token.start, token.end)
    text = token.value
    match = _INTEGER.fullmatch(text)
    if match is None:  # 0x without digits
        raise Diagnostic("D_INT_DIGIT", f"integer constant {text} has no digits", span)
    digits, suffix = match.groups()
    lowered = suffix.lower()
    if lowered not in _INTEGER_SUFFIXES or "lL" in suffix or "Ll" in suffix:
        raise _bad_suffix(span, text, suffix, hexadecimal=digits[:2] in ("0x", "0X"))
    octal = len(digits) > 1 and digits.isdecimal() and digits[0] == "0"
    if octal and (wrong := digits.strip("01234567")):
        raise Diagnostic(
            "D_INT_DIGIT",
            f"integer constant {text} contains invalid digit {wrong[0]}",
            span,
            "a leading 0 makes a constant octal",
        )
    # More digits than fit in 64 bits need not be converted to know that they do not.
    significant = digits.lstrip("0")
    value = 1 << 64 if len(significant) > 25 else int(digits, 8 if octal else 0)
    if value >> 64:
        raise Diagnostic(
            "D_INT_OFLOW",
            f"integer constant {text} cannot be represented in any built-in integral type",
            span,
        )
    if "u" in lowered:
        lowered = "u" + lowered.replace("u", "")
    return ast.Integer(
        span=span, value=value, suffix=lowered, decimal=digits[0] != "0" or digits == "0"
    )


def _bad_suffix(span: Span, text: str, suffix: str, *, hexadecimal: bool) -> Diagnostic:
    letter = suffix[0]
    if letter in "uUlL":
        return Diagnostic("D_INT_DIGIT", f"integer constant {text} has no valid suffix", span)
    kind = "hexadecimal digits are 0 to 9 and a to f" if hexadecimal else None
    return Diagnostic(
        "D_INT_DIGIT", f"integer constant {text} contains invalid digit {letter}", span, kind
    )


def floating(source: Source, token: Token) -> ast.Float:
    """A floating-point constant."""
    span = Span(source, token.start, token.end)
    match = _FLOAT.fullmatch(token.value)
    if match is None or match[2].lower() not in ("", "f", "l"):
        raise Diagnostic("D_SYNTAX", f"invalid floating-point constant {token.value}", span)
    return ast.Float(span=span, value=float(match[1]), suffix=match[2].lower())


def unescape(text: str) -> bytes:
    """The bytes of a literal's inside, escapes resolved."""
    raw = text.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_escape, raw) if b"\\" in raw else raw


def _escape(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if octal is not None:
        return bytes((int(octal, 8) & 0xFF,))
    if hexadecimal is not None:
        return bytes((int(hexadecimal, 16),))
    return _SIMPLE_ESCAPES.get(other, other)


def character(source: Source, token: Token) -> ast.Character:
    """A character constant: its bytes make one integer, the first one in the highest place."""
    span = Span(source, token.start, token.end)
    data = unescape(token.value[1:-1])
    if not data:
        raise Diagnostic("D_CHR_NULL", "empty character constant", span)
    if len(data) > _MAX_CHARACTERS:
        raise Diagnostic("D_CHR_OFLOW", "character constant is too long", span)
    return ast.Character(span=span, value=int.from_bytes(data, "big"))


def strings(source: Source, tokens: list[Token]) -> ast.String:
    """One string of adjacent literals."""
    span = Span(source, tokens[0].start, tokens[-1].end)
    return ast.String(span=span, value=b"".join(unescape(t.value[1:-1]) for t in tokens))
