"""Debug information (DWARF 2 to 5): units and entries, read where they are asked for.

Nothing is read ahead: a unit's entries are walked when a name or an address leads there.
Which units those are is found by searching the sections for the name's place in
.debug_str, which takes milliseconds where walking all entries takes minutes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from struct import Struct
from typing import NamedTuple

from dscript.kernel.dwarf_forms import (
    ADDRESS_INDEXES,
    BLOCKS,
    LEB128,
    OF_ALTERNATE,
    REFERENCES,
    STRING_INDEXES,
    At,
    Form,
    fixed_size,
    sleb,
    uleb,
)
from dscript.kernel.elf import Elf

# An entry of the file that several share (dwz) is named by its offset there and this bit.
_ALTERNATE = 1 << 62

_ADDRESS = Struct("<Q")
_HALF = Struct("<H")
_ADDRESSES = ADDRESS_INDEXES | {Form.ADDR}
_TYPE_UNITS = (2, 6)  # DW_UT_type, DW_UT_split_type
_SKELETONS = (4, 5)  # DW_UT_skeleton, DW_UT_split_compile


class BadDwarf(Exception):
    """The sections cannot be read."""


class Abbreviation(NamedTuple):
    """The form of entries: (attribute, form, implicit constant) each.

    `fixed` is the length of all values, -1 where it varies; `sibling` where DW_AT_sibling
    lies among them, as a 4-byte reference, -1 where that cannot be told.
    """

    tag: int
    has_children: bool
    specs: tuple[tuple[int, int, int], ...]
    fixed: int
    sibling: int


class Entry(NamedTuple):
    """One entry: `attributes` by number; references are offsets for `Dwarf.entry`.

    `first` is where its children begin, or the next entry if it has none.
    """

    unit: Unit
    offset: int
    tag: int
    has_children: bool
    first: int
    attributes: dict[int, int | str | bytes]

    @property
    def name(self) -> str:
        found = self.attributes.get(At.NAME)
        return found if isinstance(found, str) else ""

    def number(self, attribute: int, default: int = 0) -> int:
        found = self.attributes.get(attribute, default)
        return found if isinstance(found, int) else default

    def reference(self, attribute: int) -> int | None:
        found = self.attributes.get(attribute)
        return found if isinstance(found, int) else None


class Unit:
    """A unit: entries from `first` to `end`, offsets in .debug_info."""

    def __init__(self, dwarf: Dwarf, offset: int) -> None:
        data = dwarf.info
        self.dwarf, self.offset = dwarf, offset
        length = int.from_bytes(data[offset : offset + 4], "little")
        at, self.offset_size = offset + 4, 4
        if length == 0xFFFFFFFF:
            length, self.offset_size = _ADDRESS.unpack_from(data, at)[0], 8
            at += 8
        self.end = at + length
        if length < 7 or self.end > len(data):
            raise BadDwarf(f"unit at {offset:#x} is cut short")
        self.version: int = _HALF.unpack_from(data, at)[0]
        if not 2 <= self.version <= 5:
            raise BadDwarf(f"DWARF {self.version}")
        at += 2
        self.kind = 1
        if self.version >= 5:
            self.kind = data[at]
            at += 2
        self._abbreviations_at = int.from_bytes(data[at : at + self.offset_size], "little")
        at += self.offset_size
        if self.version < 5:
            at += 1
        self.signature = 0
        self.type_offset = 0
        if self.kind in _TYPE_UNITS:
            self.signature = _ADDRESS.unpack_from(data, at)[0]
            self.type_offset = offset + int.from_bytes(
                data[at + 8 : at + 8 + self.offset_size], "little"
            )
            at += 8 + self.offset_size
        elif self.kind in _SKELETONS:
            at += 8
        self.first = at

    @cached_property
    def abbreviations(self) -> dict[int, Abbreviation]:
        return self.dwarf.abbreviations(self._abbreviations_at, self.offset_size, self.version)

    @cached_property
    def root(self) -> Entry:
        """The entry of the unit itself.

        It may name its own strings by an index whose base is another of its attributes: those
        are read once the base is known.
        """
        self.str_offsets_base = 8 if self.offset_size == 4 else 16
        self.addr_base = 8 if self.offset_size == 4 else 16
        first = self.entry(self.first, bases=False)
        self.str_offsets_base = first.number(At.STR_OFFSETS_BASE, self.str_offsets_base)
        self.addr_base = first.number(At.ADDR_BASE, self.addr_base)
        return self.entry(self.first, bases=True)

    @property
    def language(self) -> int:
        """DW_LANG_*."""
        return self.root.number(At.LANGUAGE)

    def entry(self, offset: int, *, bases: bool = True) -> Entry:
        """The entry at an offset; IndexError or KeyError where there is none."""
        data = self.dwarf.info
        if bases and offset != self.first:
            _ = self.root
        code, at = uleb(data, offset)
        if code == 0:
            raise BadDwarf(f"no entry at {offset:#x}")
        abbreviation = self.abbreviations[code]
        attributes: dict[int, int | str | bytes] = {}
        for attribute, form, constant in abbreviation.specs:
            value, at = self._value(data, at, form, constant, bases)
            if value is None:
                continue
            if attribute == At.HIGH_PC and form not in _ADDRESSES and isinstance(value, int):
                # Since DWARF 4 an end that is no address is counted from the start.
                low = attributes.get(At.LOW_PC, 0)
                value += low if isinstance(low, int) else 0
            attributes[attribute] = value
        return Entry(self, offset, abbreviation.tag, abbreviation.has_children, at, attributes)

    def _value(
        self, data: bytes, at: int, form: int, constant: int, bases: bool
    ) -> tuple[int | str | bytes | None, int]:
        size = fixed_size(form, self.offset_size)
        if self.version == 2 and form == Form.REF_ADDR:
            size = 8
        if size is not None:
            number = int.from_bytes(data[at : at + size], "little")
            return self._fixed(form, number, constant, bases), at + size
        if form == Form.STRING:
            end = data.index(b"\0", at)
            return data[at:end].decode("utf-8", "replace"), end + 1
        if form == Form.SDATA:
            return sleb(data, at)
        if form in BLOCKS:
            if BLOCKS[form]:
                size = int.from_bytes(data[at : at + BLOCKS[form]], "little")
                at += BLOCKS[form]
            else:
                size, at = uleb(data, at)
            return data[at : at + size], at + size
        if form == Form.INDIRECT:
            form, at = uleb(data, at)
            return self._value(data, at, form, 0, bases)
        if form not in LEB128:
            raise BadDwarf(f"form {form:#x}")
        number, at = uleb(data, at)
        return self._fixed(form, number, constant, bases), at

    def _fixed(self, form: int, number: int, constant: int, bases: bool) -> int | str | None:
        dwarf = self.dwarf
        if form in REFERENCES:
            return self.offset + number
        if form == Form.STRP:
            return dwarf.string(number)
        if form == Form.FLAG_PRESENT:
            return 1
        if form == Form.IMPLICIT_CONST:
            return constant
        if form in OF_ALTERNATE:
            return number | _ALTERNATE
        if form in (Form.GNU_STRP_ALT, Form.STRP_SUP):
            return dwarf.alternate.string(number) if dwarf.alternate is not None else None
        if form == Form.LINE_STRP:
            return dwarf.line_string(number)
        if form in STRING_INDEXES:
            return dwarf.indexed_string(self, number) if bases else None
        if form in ADDRESS_INDEXES:
            return dwarf.indexed_address(self, number) if bases else None
        if form == Form.REF_SIG8:
            return dwarf.signatures.get(number)
        return number

    def children(self, entry: Entry) -> Iterator[Entry]:
        """The entries right below one."""
        if not entry.has_children:
            return
        at, data = entry.first, self.dwarf.info
        while data[at]:
            child = self.entry(at)
            yield child
            at = self.after(child)

    def after(self, entry: Entry) -> int:
        """Where the next entry of the same level is (or the 0 that ends the level)."""
        if not entry.has_children:
            return entry.first
        sibling = entry.attributes.get(At.SIBLING)
        return sibling if isinstance(sibling, int) else self._skip(entry.first)

    def outline(self, entry: Entry, wanted: frozenset[int]) -> Iterator[Entry]:
        """The children of these tags; the others are passed over unread."""
        data, abbreviations = self.dwarf.info, self.abbreviations
        at = entry.first
        while entry.has_children and data[at]:
            code, begin = uleb(data, at)
            abbreviation = abbreviations[code]
            if abbreviation.tag in wanted:
                child = self.entry(at)
                yield child
                at = self.after(child)
                continue
            if abbreviation.has_children and abbreviation.sibling >= 0:
                place = begin + abbreviation.sibling
                at = self.offset + int.from_bytes(data[place : place + 4], "little")
                continue
            at = self._pass(data, begin, abbreviation)
            if abbreviation.has_children:
                at = self._skip(at)

    def _skip(self, at: int) -> int:
        """The end of the level that begins at an offset, behind its closing 0."""
        data, abbreviations, depth = self.dwarf.info, self.abbreviations, 1
        while True:
            code = data[at]
            at += 1
            if code == 0:
                depth -= 1
                if depth == 0:
                    return at
                continue
            if code > 127:
                code, at = uleb(data, at - 1)
            abbreviation = abbreviations[code]
            if abbreviation.has_children:
                if abbreviation.sibling >= 0:
                    place = at + abbreviation.sibling
                    at = self.offset + int.from_bytes(data[place : place + 4], "little")
                    continue
                depth += 1
            if abbreviation.fixed >= 0:
                at += abbreviation.fixed
            else:
                at = self._pass(data, at, abbreviation)

    def _pass(self, data: bytes, at: int, abbreviation: Abbreviation) -> int:
        """Where an entry's values end, which begin at `at`."""
        if abbreviation.fixed >= 0:
            return at + abbreviation.fixed
        for _, form, _ in abbreviation.specs:
            size = fixed_size(form, self.offset_size)
            if size is not None and not (self.version == 2 and form == Form.REF_ADDR):
                at += size
            elif form in LEB128:
                while data[at] > 127:
                    at += 1
                at += 1
            elif form == Form.STRING:
                at = data.index(b"\0", at) + 1
            else:
                _, at = self._value(data, at, form, 0, False)
        return at

    def ranges(self, entry: Entry) -> Iterator[tuple[int, int]]:
        """Where an entry's code lies: (start, end) addresses."""
        low, high = entry.attributes.get(At.LOW_PC), entry.attributes.get(At.HIGH_PC)
        if isinstance(low, int) and isinstance(high, int):
            yield low, high
        listed = entry.attributes.get(At.RANGES)
        if isinstance(listed, int):
            yield from self.dwarf.ranges(self, listed, low if isinstance(low, int) else None)


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
        if offset & _ALTERNATE:
            if self.alternate is None:
                raise BadDwarf("the shared debug file is not installed")
            return self.alternate.entry(offset & ~_ALTERNATE)
        return self.unit_of(offset).entry(offset)

    @cached_property
    def signatures(self) -> dict[int, int]:
        """Entries of type units by signature."""
        return {u.signature: u.type_offset for u in self.units() if u.kind in _TYPE_UNITS}

    def abbreviations(self, at: int, offset_size: int, version: int) -> dict[int, Abbreviation]:
        known = self._tables.get((at, offset_size))
        if known is None:
            data = self._abbreviation_data
            known = dict(_abbreviations(data, at, offset_size, version))
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
            if unit.offset not in self._with_aranges and unit.kind not in _TYPE_UNITS:
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


def _abbreviations(
    data: bytes, at: int, offset_size: int, version: int
) -> Iterator[tuple[int, Abbreviation]]:
    while at < len(data):
        code, at = uleb(data, at)
        if code == 0:
            return
        tag, at = uleb(data, at)
        has_children = data[at] != 0
        at += 1
        specs: list[tuple[int, int, int]] = []
        while True:
            attribute, at = uleb(data, at)
            form, at = uleb(data, at)
            constant = 0
            if form == Form.IMPLICIT_CONST:
                constant, at = sleb(data, at)
            if attribute == form == 0:
                break
            specs.append((attribute, form, constant))
        total, sibling = 0, -1
        for attribute, form, _ in specs:
            size = fixed_size(form, offset_size)
            if size is None or (version == 2 and form == Form.REF_ADDR):
                total = -1
                break
            if attribute == At.SIBLING and form == Form.REF4:
                sibling = total
            total += size
        yield code, Abbreviation(tag, has_children, tuple(specs), total, sibling)


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
