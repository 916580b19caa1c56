"""Copying and filling memory of constant size within what the BPF backend can expand.

The backend expands a memcpy or memset into at most 128 loads and stores of the alignment's
width; anything larger becomes a call to a libc function and ends the compiler.
"""

from __future__ import annotations

from collections.abc import Callable

from dscript.object.instructions import Instructions
from dscript.object.values import Value, const

_MAX_STORES = 128
# Above this a loop is smaller than the straight line; the verifier walks both alike.
_STRAIGHT = 4096
# A fill up to here is written as plain stores, which LLVM will not join into a larger memset.
_PLAIN = 64

# LLVM may load all that a memcpy copies before it stores any, and what finds no register takes
# a place on the stack: so many at a time.
_TOGETHER = 8

# Writes so many bytes from an offset on.
_Chunk = Callable[[Value | int, int], None]


def copy(f: Instructions, dst: Value, src: Value, size: int, align: int) -> None:
    """Copy `size` bytes, both ends aligned to `align` (1, 2, 4 or 8)."""

    def chunk(offset: Value | int, count: int) -> None:
        to, from_ = f.gep(dst, offset), f.gep(src, offset)
        for start in range(0, count, _TOGETHER * align):
            if start:
                f.fence()
            f.intrinsic(
                "llvm.memcpy.p0.p0.i64",
                [
                    _aligned(f.gep(to, start), align),
                    _aligned(f.gep(from_, start), align),
                    const(min(count - start, _TOGETHER * align)),
                    const(0, "i1"),
                ],
                "void",
            )

    _in_chunks(f, size, align, chunk)


def fill(f: Instructions, dst: Value, size: int, value: int, align: int) -> None:
    """Set `size` bytes aligned to `align` (1, 2, 4 or 8) to the byte `value`."""

    def chunk(offset: Value | int, count: int) -> None:
        address = f.gep(dst, offset)
        if count <= _PLAIN:
            _store(f, address, count, value, align)
            return
        f.intrinsic(
            "llvm.memset.p0.i64",
            [_aligned(address, align), const(value, "i8"), const(count), const(0, "i1")],
            "void",
        )
        # LLVM joins neighbouring memsets into one, which may then be too large.
        f.fence()

    _in_chunks(f, size, align, chunk)


def _aligned(address: Value, align: int) -> Value:
    return Value(f"align {align} {address.text}", "ptr")


def _store(f: Instructions, address: Value, size: int, value: int, align: int) -> None:
    pattern = int.from_bytes(bytes([value & 0xFF]) * 8, "little")
    offset = 0
    while offset < size:
        step = align
        while step > size - offset:
            step //= 2
        f.store(const(pattern, f"i{8 * step}"), f.gep(address, offset), align=step)
        offset += step


def _in_chunks(f: Instructions, size: int, align: int, chunk: _Chunk) -> None:
    limit = _MAX_STORES * align
    offset = 0
    if size > _STRAIGHT * align // 8:
        step = limit // 4
        rounds = size // step
        with f.loop(rounds) as index:
            chunk(f.op("mul", index, step), step)
        offset = rounds * step
    while offset < size:
        count = min(limit, size - offset)
        chunk(offset, count)
        offset += count
