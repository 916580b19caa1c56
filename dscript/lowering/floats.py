"""Floating-point objects: BPF has no such arithmetic, so their bytes are moved and no more.

A record holds 4 or 8 bytes of IEEE 754; a `long double` is rounded to a double on its way
there, by integer arithmetic.
"""

from __future__ import annotations

import struct

from dscript.dtypes.types import FLOAT
from dscript.lowering import memory
from dscript.lowering.generator import Generator
from dscript.object.values import Value, const
from dscript.semantics import tree

_EXPONENT = 0x7FFF  # of long doubles, on all machines
_BIAS = 16383
_DOUBLE_BIAS, _DOUBLE_EXPONENT = 1023, 2047


def constant(g: Generator, node: tree.FloatConst) -> Value:
    """A constant as an object of its type in memory."""
    return g.unit.module.data(pack(node.value, node.type.size, g.unit.kernel.machine))


def pack(value: float, size: int, machine: str) -> bytes:
    """The bytes of a float, double or long double."""
    if size <= 8:
        return struct.pack("<f" if size == FLOAT.size else "<d", value)
    word = int.from_bytes(struct.pack("<d", value), "little")
    sign, exponent, fraction = word >> 63, word >> 52 & _DOUBLE_EXPONENT, word & (1 << 52) - 1
    if exponent == _DOUBLE_EXPONENT:
        exponent = _EXPONENT
    elif exponent or fraction:
        if not exponent:  # below the least normal double: long doubles reach further
            shift = 53 - fraction.bit_length()
            fraction, exponent = fraction << shift & (1 << 52) - 1, 1 - shift
        exponent += _BIAS - _DOUBLE_BIAS
    if machine == "aarch64":  # IEEE 754 binary128
        return (sign << 127 | exponent << 112 | fraction << 60).to_bytes(16, "little")
    # The x87's: 64 bits of fraction, the first of them written out.
    first = 1 if exponent else 0
    return (sign << 79 | exponent << 64 | first << 63 | fraction << 11).to_bytes(16, "little")


def write(g: Generator, expr: tree.Expr, where: Value) -> None:
    """Store a floating-point value where its field lies."""
    size = expr.type.size
    if size <= 8:
        memory.copy_into(g, where, expr, size)
        return
    copy = g.temporary_at(size)
    memory.copy_into(g, copy, expr, size)
    g.f.store(_rounded(g, copy), where)


def _rounded(g: Generator, place: Value) -> Value:
    """The bits of the double nearest to a long double (a tie goes up)."""
    f = g.f
    low, high = f.load("i64", place), f.load("i64", f.gep(place, 8))
    if g.unit.kernel.machine == "aarch64":
        sign, exponent = f.op("lshr", high, 63), f.op("lshr", high, 48)
        fraction = f.op("and", f.op("shl", high, 4), (1 << 52) - 1)
        fraction = f.op("or", fraction, f.op("lshr", low, 60))
        next_bit = f.op("and", f.op("lshr", low, 59), 1)
    else:
        sign, exponent = f.op("and", f.op("lshr", high, 15), 1), high
        fraction = f.op("lshr", f.op("shl", low, 1), 12)
        next_bit = f.op("and", f.op("lshr", low, 10), 1)
    exponent = f.op("and", exponent, _EXPONENT)
    moved = f.op("sub", exponent, _BIAS - _DOUBLE_BIAS)
    bits = f.op("add", f.op("or", f.op("shl", moved, 52), fraction), next_bit)
    infinite = const(_DOUBLE_EXPONENT << 52)
    special = f.op("or", infinite, fraction)
    bits = f.select(f.icmp("sge", moved, _DOUBLE_EXPONENT), infinite, bits)
    bits = f.select(f.icmp("eq", exponent, _EXPONENT), special, bits)
    bits = f.select(f.icmp("sle", moved, 0), const(0), bits)
    return f.op("or", bits, f.op("shl", sign, 63))
