"""What string subroutines do with their arguments and results."""

from __future__ import annotations

from typing import NamedTuple

from dscript.lowering.generator import Generator
from dscript.lowering.operands import Str
from dscript.lowering.steps import if_below, only_if, room
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.semantics import tree


class Argument(NamedTuple):
    """A copy in scratch memory, at most strsize - 1 bytes and a NUL; `room(strsize)` bytes big."""

    pointer: Value
    length: Value


def argument(g: Generator, expr: tree.Expr, text: Str | None = None) -> Argument:
    """The string `expr`; `text` when its value is at hand already."""
    size = g.unit.program.strsize
    if text is None:
        text = g.string(expr)
    copy = g.temporary_at(room(size))
    return Argument(copy, copy_text(g, text, copy))


def copy_text(g: Generator, text: Str, where: Value) -> Value:
    """Copy to a buffer of strsize bytes; the length is less than that."""
    f = g.f
    limit = min(text.capacity, g.unit.program.strsize)
    used = f.helper(Helper.PROBE_READ_KERNEL_STR, [where, const(limit), text.pointer])
    return f.opaque(f.op("sub", used, 1))


def limit_of(call: tree.SubroutineCall, capacity: int) -> int:
    """Bytes a string result may take at a destination of `capacity` bytes."""
    return min(capacity, max(1, call.type.size))


def tail(g: Generator, source: Argument, offset: Value, destination: Value, limit: int) -> None:
    """The text from `offset` on; the empty string, which is what NULL reads as, beyond it."""
    f = g.f
    f.store(const(0, "i8"), destination, align=1)
    with if_below(f, offset, g.unit.program.strsize) as at:
        f.helper(
            Helper.PROBE_READ_KERNEL_STR,
            [destination, const(limit), f.gep(source.pointer, at)],
        )


def part(
    g: Generator,
    source: Argument,
    offset: Value,
    length: Value,
    destination: Value,
    limit: int,
) -> None:
    """`length` bytes from `offset` on (signed; nothing when either is out of range)."""
    f = g.f
    f.store(const(0, "i8"), destination, align=1)
    with (
        only_if(f, f.icmp("sgt", length, 0)),
        if_below(f, offset, g.unit.program.strsize) as at,
    ):
        length = f.select(f.icmp("ugt", length, limit - 1), const(limit - 1), length)
        with if_below(f, length, limit) as size:
            f.helper(
                Helper.PROBE_READ_KERNEL_STR,
                [destination, f.op("add", size, 1), f.gep(source.pointer, at)],
            )
