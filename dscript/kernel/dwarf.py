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

from dscript.kernel.dwarf_forms import At, Form
from dscript.kernel.dwarf_units import (
    ALTERNATE,
    TYPE_UNITS,
    Abbreviation,
    BadDwarf,
    Entry,
    Unit,
    read_abbreviations,
)
from dscript.kernel.elf import Elf
from dscript.kernel.leb128 import uleb

__all__ = ["UNREADABLE", "BadDwarf", "Dwarf", "Entry", "Unit"]

# Reading sections that are damaged, or of a form that is not known.
UNREADABLE = (BadDwarf, IndexError, KeyError, ValueError, StructError, RecursionError)

_ADDRESS = Struct("<Q")


class Dwarf:
    """The debug information of one ELF file; `alternate` is what dwz moved elsewhere."""

    def __init__(self, image: Elf, alternate: Dwarf | None = None) -> None:
        self._image = image
        self.alternate = alternate
        self._tables: dict[tuple[int, int], dict[int, Abbreviation]] = {}
        self._units: dict[int, Unit] = {}

    def _section(self, name: str) -> bytes:
        found = self._image.section(name)
        return b"" if found is None else found[1]

    @cached_property
    def info(self) -> bytes:
        return self._section(".debug_info")

    @cached_property
    def strings(self) -> bytes:
        return self._section(".debug_str")

    @cached_property
    def _abbreviation_data(self) -> bytes:
        return self._section(".debug_abbrev")

    @cached_property
    def _line_strings(self) -> bytes:
        return self._section(".debug_line_str")

    @cached_property
    def string_offsets(self) -> bytes:
        return self._section(".debug_str_offsets")

    @cached_property
    def _addresses(self) -> bytes:
        return self._section(".debug_addr")

    # ------------------------------------------------------------------------- parts

    @cached_property
    def _starts(self) -> list[int]:
        """Where the units begin."""
        data, at, found = self.info, 0, []
        while at + 11 <= len(data):
            found.append(at)
            length = int.from_bytes(data[at : at + 4], "little")
            if length == 0xFFFFFFFF:
                at += 8 + int.from_bytes(data[at + 4 : at + 12], "little")
            at += 4 + length if length != 0xFFFFFFFF else 4
        return found

    def units(self) -> Iterator[Unit]:
        for start in self._starts:
            yield self._unit(start)

    def _unit(self, start: int) -> Unit:
        found = self._units.get(start)
        if found is None:
            found = self._units[start] = Unit(self, start)
        return found

    def unit_of(self, offset: int) -> Unit:
        """The unit that holds an offset."""
        return self._unit(self._starts[bisect_right(self._starts, offset) - 1])

    def entry(self, offset: int) -> Entry:
        """The entry that a reference leads to."""
        if offset & ALTERNATE:
            if self.alternate is None:
                raise BadDwarf("the shared debug file is not installed")
            return self.alternate.entry(offset & ~ALTERNATE)
        return self.unit_of(offset).entry(offset)

    @cached_property
    def signatures(self) -> dict[int, int]:
        """Entries of type units by signature."""
        return {u.signature: u.type_offset for u in self.units() if u.kind in TYPE_UNITS}

    def abbreviations(self, at: int, offset_size: int, version: int) -> dict[int, Abbreviation]:
        known = self._tables.get((at, offset_size))
        if known is None:
            data = self._abbreviation_data
            known = dict(read_abbreviations(data, at, offset_size, version))
            self._tables[at, offset_size] = known
        return known

    def string(self, at: int) -> str:
        return _text(self.strings, at)

    def line_string(self, at: int) -> str:
        return _text(self._line_strings, at)

    def indexed_string(self, unit: Unit, index: int) -> str:
        at = unit.str_offsets_base + index * unit.offset_size
        place = int.from_bytes(self.string_offsets[at : at + unit.offset_size], "little")
        return self.string(place)

    def indexed_address(self, unit: Unit, index: int) -> int:
        at = unit.addr_base + 8 * index
        return int.from_bytes(self._addresses[at : at + 8], "little")

    # ------------------------------------------------------------------- finding units

    def units_at(self, address: int) -> Iterator[Unit]:
        """The units whose code an address may be in, by .debug_aranges, else by their roots."""
        for start in self._by_arange.get(address, ()) or self._covering(address):
            yield self._unit(start)
        for unit in self.units():
            if unit.offset not in self._with_aranges and unit.kind not in TYPE_UNITS:
                root = unit.root
                spans = list(unit.ranges(root))
                if any(low <= address < high for low, high in spans):
                    yield unit

    @cached_property
    def _aranges(self) -> list[tuple[int, int, int]]:
        return list(_aranges(self._section(".debug_aranges")))

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
            yield self._unit(start)

    def _starts_of(self, places: Iterator[int]) -> Iterator[int]:
        starts = self._starts
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

    # ------------------------------------------------------------------------- ranges

    def ranges(self, unit: Unit, listed: int, base: int | None) -> Iterator[tuple[int, int]]:
        """A list of ranges: of .debug_ranges before DWARF 5, else of .debug_rnglists."""
        root = unit.root if base is None else None
        if base is None and root is not None:
            base = root.number(At.LOW_PC)
        if unit.version >= 5:
            yield from self._range_list(unit, listed, base or 0)
            return
        data, at, base = self._section(".debug_ranges"), listed, base or 0
        while at + 16 <= len(data):
            low, high = Struct("<QQ").unpack_from(data, at)
            at += 16
            if low == high == 0:
                return
            if low == 0xFFFFFFFFFFFFFFFF:
                base = high
            else:
                yield base + low, base + high

    def _range_list(self, unit: Unit, at: int, base: int) -> Iterator[tuple[int, int]]:
        """Entries DW_RLE_* of .debug_rnglists; `at` may be an index into its offsets."""
        data = self._section(".debug_rnglists")
        bases = unit.root.attributes.get(At.RNGLISTS_BASE)
        form = self._form_of_ranges(unit)
        if form == Form.RNGLISTX and isinstance(bases, int):
            place = bases + at * unit.offset_size
            at = bases + int.from_bytes(data[place : place + unit.offset_size], "little")
        while True:
            kind = data[at]
            at += 1
            if kind == 0:
                return
            if kind in (1, 2, 3, 4):
                first, at = uleb(data, at)
            if kind == 1:
                base = self.indexed_address(unit, first)
            elif kind == 5:
                base = _ADDRESS.unpack_from(data, at)[0]
                at += 8
            elif kind == 6:
                yield Struct("<QQ").unpack_from(data, at)
                at += 16
            elif kind == 7:
                low = _ADDRESS.unpack_from(data, at)[0]
                size, at = uleb(data, at + 8)
                yield low, low + size
            else:
                second, at = uleb(data, at)
                if kind == 4:
                    yield base + first, base + second
                else:
                    low = self.indexed_address(unit, first)
                    yield low, self.indexed_address(unit, second) if kind == 2 else low + second

    def _form_of_ranges(self, unit: Unit) -> int:
        for abbreviation in unit.abbreviations.values():
            for attribute, form, _ in abbreviation.specs:
                if attribute == At.RANGES:
                    return form
        return Form.SEC_OFFSET


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "replace")


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
