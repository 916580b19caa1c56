"""Functions of Go programs that were stripped: from the table by which the runtime unwinds.

The Go linker always writes it (src/runtime/symtab.go, debug/gosym/pclntab.go), in one of three
forms: that of Go 1.16, and those of 1.18 and 1.20, which count from the start of the code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

SECTIONS: Final = (".gopclntab", ".data.rel.ro.gopclntab")

_ABSOLUTE, _RELATIVE = (0xFFFFFFFA,), (0xFFFFFFF0, 0xFFFFFFF1)
_POINTER: Final = 8
# After magic number, padding, quantum of instructions and size of pointers.
_HEADER: Final = struct.Struct("<IHBB")
_TEXT_START: Final = _HEADER.size + 2 * _POINTER


class _Form(NamedTuple):
    """Where things are: words of the header, the rows, and what precedes a function's name."""

    names: int
    functions: int
    row: struct.Struct
    name_at: int


_OF_ABSOLUTE: Final = _Form(2, 6, struct.Struct("<QQ"), 8)
_OF_RELATIVE: Final = _Form(3, 7, struct.Struct("<II"), 4)


def text_start(table: bytes) -> int | None:
    """Where the header says, in bytes, that the address of the code is; None if it does not.

    It is 0 where the dynamic linker is to fill it in.
    """
    return _TEXT_START if _magic(table) in _RELATIVE else None


def functions(table: bytes, start: int) -> Iterator[tuple[str, int, int]]:
    """(name, address, size in bytes) in order of address.

    `start` is the address of the code.  Nothing of a table that is none of these.
    """
    magic = _magic(table)
    if magic in _RELATIVE:
        form, base = _OF_RELATIVE, start
    elif magic in _ABSOLUTE:
        form, base = _OF_ABSOLUTE, 0
    else:
        return
    try:
        words = struct.unpack_from(f"<{form.functions + 1}Q", table, _HEADER.size)
        names, at = words[form.names], words[form.functions]
        # A row more tells where the last function ends, in its first half.
        end = at + form.row.size * words[0] + form.row.size // 2
        rows = [*form.row.iter_unpack(table[at : end - form.row.size // 2])]
        last = int.from_bytes(table[end - form.row.size // 2 : end], "little")
        for (address, place), (following, _) in pairwise([*rows, (last, 0)]):
            (name,) = struct.unpack_from("<i", table, at + place + form.name_at)
            text = table[names + name : table.index(b"\0", names + name)]
            yield text.decode("utf-8", "replace"), base + address, following - address
    except (struct.error, ValueError):
        return


def _magic(table: bytes) -> int:
    if len(table) < _HEADER.size:
        return 0
    magic, padding, _, pointer = _HEADER.unpack_from(table)
    return int(magic) if padding == 0 and pointer == _POINTER else 0
