"""Aggregations with known stacks, drawn and written to files."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from dscript.output.text import TextPrinter
from dscript.program import Aggregation, CompiledProgram, Field
from dscript.symbols.types import Symbol

KEY = Field("string", 0, 16, type_name="string")
USER = Field("ustack", 16, 8 + 8 * 4)
KERNEL = Field("stack", 56, 8 * 4)

_NAMES = {
    1: Symbol("vmlinux", "do_read", 4),
    2: Symbol("vmlinux", "vfs<&>read", 0),
    11: Symbol("a.out", "main", 8),
    12: Symbol("a.out", "work;now", 0),
    13: Symbol("libc.so.6", "", 0),
}


class Named:
    """Resolves the small numbers above."""

    def kernel(self, address: int) -> Symbol | None:
        return _NAMES.get(address)

    def user(self, tgid: int, pid: int, address: int) -> Symbol | None:
        return _NAMES.get(address)

    def code_frames(self, pid: int, addresses: Sequence[int]) -> Sequence[int]:
        return addresses


def key(name: str, user: Sequence[int], kernel: Sequence[int]) -> bytes:
    """Frames innermost first, as the kernel has them."""
    return struct.pack("<16sII4Q4Q", name.encode(), 7, 7, *_padded(user), *_padded(kernel))


def _padded(frames: Sequence[int]) -> list[int]:
    return [*frames, *[0] * (4 - len(frames))]


def printer(*specs: Aggregation) -> TextPrinter:
    program = CompiledProgram(b"", {}, (), (), specs)
    return TextPrinter(program, io.BytesIO(), err=io.BytesIO(), symbols=Named())


def stacks(function: str = "count", words: int = 1) -> Aggregation:
    keys = (KEY, USER, KERNEL)
    return Aggregation(0, "s", function, keys, 88, words, (), ("x", "y"))  # type: ignore[arg-type]
