"""IR values: the text LLVM reads them by and the text of their type."""

from __future__ import annotations

import re
from typing import NamedTuple

_IDENTIFIER = re.compile(r"[A-Za-z_.$][A-Za-z0-9_.$]*\Z")


class Value(NamedTuple):
    """An SSA value, a constant or the address of a global.

    `text` is how an operand is written ("%v12", "42", "@name", "null"), `type` its LLVM
    type ("i64", "i32", "i16", "i8", "i1", "ptr"; "void" for the result of a call without one).
    """

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


NULL = Value("null", "ptr")
VOID = Value("", "void")


def width(type: str) -> int:
    """Bits of an integer type; 64 for a pointer."""
    return 64 if type == "ptr" else int(type[1:])


def const(n: int, type: str = "i64") -> Value:
    """The integer `n` wrapped to the width of `type`, written as LLVM does (signed)."""
    if type == "i1":
        return Value("true" if n & 1 else "false", type)
    bits = width(type)
    n &= (1 << bits) - 1
    if n >> (bits - 1):
        n -= 1 << bits
    return Value(str(n), type)


def symbol(name: str) -> str:
    """`@name` as LLVM text, quoted where the name needs it."""
    return "@" + (name if _IDENTIFIER.match(name) else quoted(name.encode()))


def quoted(data: bytes) -> str:
    """An LLVM string literal: `"…"` with `\\XX` for what is not plain ASCII."""
    return '"' + escaped(data) + '"'


_ESCAPES = {n: chr(n) if 32 <= n < 127 and n not in b'"\\' else f"\\{n:02X}" for n in range(256)}


def escaped(data: bytes) -> str:
    """`data` as the inside of an LLVM string literal."""
    return data.decode("latin-1").translate(_ESCAPES)
