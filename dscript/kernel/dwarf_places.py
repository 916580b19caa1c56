"""Where a parameter is when its function begins (DWARF 4, sections 2.6 and 7.7.3).

LLVM gives functions that only one file calls parameters of its own making (a constant is left
out, a structure comes as its members), and the debug information tells where each then is.
GCC names such functions otherwise (`f.isra.0`).
"""

from __future__ import annotations

from struct import Struct

from dscript.kernel.dwarf_forms import At
from dscript.kernel.dwarf_units import Entry

UNKNOWN = -1

# DW_OP_reg0 to DW_OP_reg31: the value is in that register.
_REGISTERS = range(0x50, 0x70)
_PAIR, _LENGTH = Struct("<QQ"), Struct("<H")
_NEW_BASE = 0xFFFFFFFFFFFFFFFF


def register_at_entry(entry: Entry, start: int) -> int:
    """The DWARF number of the register that alone holds a parameter of a function of LLVM's.

    UNKNOWN where it is not in one, or where nothing tells.
    """
    place = entry.attributes.get(At.LOCATION)
    if "LLVM" not in entry.unit.producer and "clang" not in entry.unit.producer:
        return UNKNOWN
    if isinstance(place, int) and entry.unit.version == 4 and entry.unit.skeleton is None:
        place = _listed(entry, place, start)
    if isinstance(place, bytes) and len(place) == 1 and place[0] in _REGISTERS:
        return place[0] - _REGISTERS.start
    return UNKNOWN


def _listed(entry: Entry, at: int, start: int) -> bytes | None:
    """What a list of .debug_loc has for an address."""
    data = entry.unit.dwarf.section(".debug_loc")
    base = entry.unit.root.number(At.LOW_PC)
    while at + _PAIR.size <= len(data):
        low, high = _PAIR.unpack_from(data, at)
        at += _PAIR.size
        if low == high == 0:
            break
        if low == _NEW_BASE:
            base = high
            continue
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if base + low <= start < base + high:
            return data[at : at + size]
        at += size
    return None
