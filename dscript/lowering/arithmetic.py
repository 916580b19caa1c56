"""Arithmetic operators on 64-bit values."""

from __future__ import annotations

from dscript.dtypes.types import Type, is_signed
from dscript.lowering.generator import Generator
from dscript.object.values import Value
from dscript.program import Fault

_PLAIN = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}


def operate(g: Generator, op: str, left: Value, right: Value, type_: Type) -> Value:
    """One arithmetic operator in `type_`."""
    f = g.f
    if op in _PLAIN:
        return g.normalise(f.op(_PLAIN[op], left, right), type_)
    if op == "<<":
        return g.normalise(f.op("shl", left, f.op("and", right, 63)), type_)
    if op == ">>":
        shift = "ashr" if is_signed(type_) else "lshr"
        return g.normalise(f.op(shift, left, f.op("and", right, 63)), type_)
    g.fault_if(f.icmp("eq", right, 0), Fault.DIVZERO)
    if not is_signed(type_):
        return g.normalise(f.op("udiv" if op == "/" else "urem", left, right), type_)
    return g.normalise(_signed_division(g, op, left, right), type_)


def _signed_division(g: Generator, op: str, left: Value, right: Value) -> Value:
    """BPF before version 4 divides unsigned only: magnitudes, then the sign."""
    f = g.f

    def magnitude(v: Value) -> tuple[Value, Value]:
        sign = f.op("ashr", v, 63)
        return f.op("sub", f.op("xor", v, sign), sign), sign

    a, sign_a = magnitude(left)
    b, sign_b = magnitude(right)
    if op == "/":
        sign = f.op("xor", sign_a, sign_b)
        result = f.op("udiv", a, b)
    else:
        sign = sign_a
        result = f.op("urem", a, b)
    return f.op("sub", f.op("xor", result, sign), sign)
