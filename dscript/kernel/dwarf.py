"""Debug information (DWARF 2 to 5) of a file, read where it is asked for.

Nothing is read ahead: a unit's entries are walked when a name or an address leads there.
Which units those are is found by searching the sections for the name's place in
.debug_str, which takes milliseconds where walking all entries takes minutes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from struct import Struct
from struct import error as StructError

from dscript.kernel.dwarf_sections import BadDwarf
from dscript.kernel.dwarf_units import TYPE_UNITS, Entry, Unit, Units
from dscript.kernel.elf import Elf

__all__ = ["UNREADABLE", "BadDwarf", "Dwarf", "Entry", "Unit"]

# Reading sections that are damaged, or of a form that is not known.
UNREADABLE = (BadDwarf, IndexError, KeyError, ValueError, StructError, RecursionError)

_ADDRESS = Struct("<Q")


class Dwarf(Units):
    """The debug information of one ELF file: which units a name or an address leads to."""

    alternate: Dwarf | None

    def __init__(self, image: Elf, alternate: Dwarf | None = None) -> None:
        super().__init__(image, alternate)

    def units_at(self, address: int) -> Iterator[Unit]:
        """The units whose code an address may be in, by .debug_aranges, else by their roots."""
        for unit in self._units_at(address):
            yield self.split(unit) or unit

    def _units_at(self, address: int) -> Iterator[Unit]:
        for start in self._by_arange.get(address, ()) or self._covering(address):
            yield self.unit(start)
        for unit in self.units():
            if unit.offset not in self._with_aranges and unit.kind not in TYPE_UNITS:
                root = unit.root
                spans = list(unit.ranges(root))
                if any(low <= address < high for low, high in spans):
                    yield unit

    @cached_property
    def _aranges(self) -> list[tuple[int, int, int]]:
        return list(_aranges(self.section(".debug_aranges")))

    @cached_property
    def _by_arange(self) -> dict[int, list[int]]:
        """Units by the first address of a range: most functions have a section of their own."""
        found: dict[int, list[int]] = {}
        for low, _, unit in self._aranges:
            found.setdefault(low, []).append(unit)
        return found

    def _covering(self, address: int) -> list[int]:
        return [unit for low, high, unit in self._aranges if low <= address < high]

    @cached_property
    def _with_aranges(self) -> frozenset[int]:
        return frozenset(unit for _, _, unit in self._aranges)

    def units_naming(self, name: str) -> Iterator[Unit]:
        """Units in whose entries a name occurs, each once, in the order of the file."""
        yield from self._units_naming(name)
        searched: list[Units] = []
        for unit in self.units():
            split = self.split(unit) if unit.kind not in TYPE_UNITS else None
            if split is not None and split.dwarf not in searched:
                searched.append(split.dwarf)
                if isinstance(split.dwarf, Dwarf):
                    yield from split.dwarf.units_naming(name)

    def _units_naming(self, name: str) -> Iterator[Unit]:
        text = name.encode() + b"\0"
        starts: set[int] = set()
        for place in _found(self.strings, text):
            for size in (4, 8) if place >> 31 else (4,):
                pattern = place.to_bytes(size, "little")
                starts.update(self._starts_of(_found(self.info, pattern)))
                if self.string_offsets:
                    places = list(_found(self.string_offsets, pattern))
                    starts.update(u.offset for u in self._with_strings_at(places))
        starts.update(self._starts_of(_found(self.info, text)))
        for start in sorted(starts):
            yield self.unit(start)

    def _starts_of(self, places: Iterator[int]) -> Iterator[int]:
        starts = self.starts
        for place in places:
            index = bisect_right(starts, place) - 1
            if index >= 0:
                yield starts[index]

    def _with_strings_at(self, places: list[int]) -> Iterator[Unit]:
        """Units whose part of .debug_str_offsets one of the places is in."""
        bases: dict[int, list[Unit]] = {}
        for unit in self.units():
            _ = unit.root
            bases.setdefault(unit.str_offsets_base, []).append(unit)
        ordered = sorted(bases)
        for place in places:
            index = bisect_right(ordered, place) - 1
            if index >= 0:
                yield from bases[ordered[index]]


def _found(data: bytes, text: bytes) -> Iterator[int]:
    """Every place where a text occurs."""
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + 1)


def _aranges(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, end, unit) of .debug_aranges (DWARF 5, section 6.1.2)."""
    at = 0
    pair = Struct("<QQ")
    while at + 12 <= len(data):
        start, size = at, 4
        length = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if length == 0xFFFFFFFF:
            length, size = _ADDRESS.unpack_from(data, at)[0], 8
            at += 8
        end = at + length
        unit = int.from_bytes(data[at + 2 : at + 2 + size], "little")
        at += 4 + size
        at = start + -(-(at - start) // 16) * 16
        while at + 16 <= end:
            low, bytes_ = pair.unpack_from(data, at)
            at += 16
            if low or bytes_:
                yield low, low + bytes_, unit
        at = end
