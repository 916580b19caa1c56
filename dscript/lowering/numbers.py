"""Subroutines on plain numbers: byte order, parts of device numbers, rand."""

from __future__ import annotations

from dscript.lowering.generator import Generator, Scalar
from dscript.object.helpers import Helper
from dscript.object.values import Value
from dscript.semantics import tree


def _swapped(bits: int) -> Scalar:
    """Network byte order is big-endian, both machines here are little-endian."""

    def swap(g: Generator, call: tree.SubroutineCall) -> Value:
        f = g.f
        narrow = g.value(call.args[0])
        if bits < 64:
            narrow = f.trunc(narrow, f"i{bits}")
        swapped = f.intrinsic(f"llvm.bswap.i{bits}", [narrow], f"i{bits}")
        return swapped if bits == 64 else f.zext(swapped, "i64")

    return swap


def _rand(g: Generator, call: tree.SubroutineCall) -> Value:
    """A pseudo-random int, never negative (manual, "rand")."""
    return g.f.op("and", g.f.helper(Helper.GET_PRANDOM_U32, []), 0x7FFFFFFF)


# dev_t of the kernel: 12 bits of major, 20 of minor (include/linux/kdev_t.h).
_MINOR_BITS = 20


def _getmajor(g: Generator, call: tree.SubroutineCall) -> Value:
    device = g.value(call.args[0])
    return g.f.op("and", g.f.op("lshr", device, _MINOR_BITS), 0xFFF)


def _getminor(g: Generator, call: tree.SubroutineCall) -> Value:
    return g.f.op("and", g.value(call.args[0]), (1 << _MINOR_BITS) - 1)


SCALARS: dict[str, Scalar] = {
    "getmajor": _getmajor,
    "getminor": _getminor,
    "htonl": _swapped(32),
    "htonll": _swapped(64),
    "htons": _swapped(16),
    "ntohl": _swapped(32),
    "ntohll": _swapped(64),
    "ntohs": _swapped(16),
    "rand": _rand,
}
