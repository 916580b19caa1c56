"""Units and entries of debug information: how their bytes are read (DWARF 5, section 7.5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
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
)
from dscript.kernel.dwarf_sections import Abbreviation, BadDwarf, Sections
from dscript.kernel.elf import Elf
from dscript.kernel.leb128 import sleb, uleb

# An entry of the file that several share (dwz) is named by its offset there and this bit.
ALTERNATE = 1 << 62

_ADDRESS = Struct("<Q")
_HALF = Struct("<H")
_ADDRESSES = ADDRESS_INDEXES | {Form.ADDR}
TYPE_UNITS = (2, 6)  # DW_UT_type, DW_UT_split_type
_SKELETONS = (4, 5)  # DW_UT_skeleton, DW_UT_split_compile


class Entry(NamedTuple):
    """One entry: `attributes` by number; references are offsets for `Units.entry`.

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

    def __init__(self, dwarf: Units, offset: int) -> None:
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
        # Those of .debug_types, before DWARF 5, have no kind of their own.
        self.kind = 1 if offset < dwarf.types_start else TYPE_UNITS[0]
        if self.version >= 5:
            self.kind = data[at]
            at += 2
        self._abbreviations_at = int.from_bytes(data[at : at + self.offset_size], "little")
        self._abbreviations_at += dwarf.part(offset, self.version, "abbreviations")
        at += self.offset_size
        if self.version < 5:
            at += 1
        self.skeleton: Unit | None = None  # the unit of the program that stands for this one
        self._split_number = 0
        self.signature = 0
        self.type_offset = 0
        if self.kind in TYPE_UNITS:
            self.signature = _ADDRESS.unpack_from(data, at)[0]
            self.type_offset = offset + int.from_bytes(
                data[at + 8 : at + 8 + self.offset_size], "little"
            )
            at += 8 + self.offset_size
        elif self.kind in _SKELETONS:
            self._split_number = _ADDRESS.unpack_from(data, at)[0]
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
        self.str_offsets_base = self.dwarf.part(self.offset, self.version, "string offsets")
        if not self.str_offsets_base and self.version >= 5:
            self.str_offsets_base = 8 if self.offset_size == 4 else 16
        self.addr_base = 8 if self.offset_size == 4 else 16
        first = self.entry(self.first, bases=False)
        self.str_offsets_base = first.number(At.STR_OFFSETS_BASE, self.str_offsets_base)
        self.addr_base = first.number(At.ADDR_BASE, first.number(At.GNU_ADDR_BASE, self.addr_base))
        return self.entry(self.first, bases=True)

    @property
    def split_number(self) -> int:
        """What a skeleton and the unit that it stands for have in common; 0 for other units."""
        return self._split_number or self.root.number(At.GNU_DWO_ID)

    @property
    def language(self) -> int:
        """DW_LANG_*."""
        return self.root.number(At.LANGUAGE)

    @property
    def producer(self) -> str:
        """What made the code, and how, in the compiler's words."""
        text = self.root.attributes.get(At.PRODUCER)
        return text if isinstance(text, str) else ""

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
            return number | ALTERNATE
        if form in (Form.GNU_STRP_ALT, Form.STRP_SUP):
            return dwarf.alternate.string(number) if dwarf.alternate is not None else None
        if form == Form.LINE_STRP:
            return dwarf.line_string(number)
        if form in STRING_INDEXES:
            return self._string(number) if bases else None
        if form in ADDRESS_INDEXES:
            return self._address(number) if bases else None
        if form == Form.REF_SIG8:
            return dwarf.signatures.get(number)
        return number

    def _string(self, index: int) -> str:
        at = self.str_offsets_base + index * self.offset_size
        return self.dwarf.listed_string(at, self.offset_size)

    def _address(self, index: int) -> int:
        unit = self.skeleton or self
        if unit is not self:
            _ = unit.root
        return unit.dwarf.listed_address(unit.addr_base + 8 * index)

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
        if not isinstance(sibling, int):
            return self._skip(entry.first)
        return self._further(sibling, entry.first)

    def _reference(self, place: int) -> int:
        return self.offset + int.from_bytes(self.dwarf.info[place : place + 4], "little")

    def _further(self, sibling: int, at: int) -> int:
        """Where the next entry is said to be; damaged data may say that it is behind."""
        if not at < sibling <= self.end:
            raise BadDwarf(f"no entry at {sibling:#x}")
        return sibling

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
                at = self._further(self._reference(place), place)
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
                    at = self._further(self._reference(place), place)
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
            yield from self._listed(listed, low if isinstance(low, int) else None)

    def _listed(self, at: int, base: int | None) -> Iterator[tuple[int, int]]:
        """A list of ranges: of .debug_ranges before DWARF 5, else of .debug_rnglists."""
        unit = self.skeleton or self
        if base is None:
            base = unit.root.number(At.LOW_PC)
        if self.version >= 5:
            yield from self._range_list(at, base)
            return
        if unit is not self:
            at += unit.root.number(At.GNU_RANGES_BASE)
        data = unit.dwarf.section(".debug_ranges")
        while at + 16 <= len(data):
            low, high = Struct("<QQ").unpack_from(data, at)
            at += 16
            if low == high == 0:
                return
            if low == 0xFFFFFFFFFFFFFFFF:
                base = high
            else:
                yield base + low, base + high

    def _range_list(self, at: int, base: int) -> Iterator[tuple[int, int]]:
        """Entries DW_RLE_* of .debug_rnglists; `at` may be an index into its offsets."""
        data = self.dwarf.section(".debug_rnglists")
        own = self.dwarf.part(self.offset, self.version, "range lists")
        bases = self.root.attributes.get(At.RNGLISTS_BASE, own)
        form = self._form_of_ranges()
        if form == Form.RNGLISTX and isinstance(bases, int):
            place = bases + at * self.offset_size
            at = bases + int.from_bytes(data[place : place + self.offset_size], "little")
        while True:
            kind = data[at]
            at += 1
            if kind == 0:
                return
            if kind in (1, 2, 3, 4):
                first, at = uleb(data, at)
            if kind == 1:
                base = self._address(first)
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
                    low = self._address(first)
                    yield low, self._address(second) if kind == 2 else low + second

    def _form_of_ranges(self) -> int:
        for abbreviation in self.abbreviations.values():
            for attribute, form, _ in abbreviation.specs:
                if attribute == At.RANGES:
                    return form
        return Form.SEC_OFFSET


def _not_split(_unit: Unit) -> None:
    return None


class Units(Sections):
    """The units of one ELF file; `alternate` is what dwz moved elsewhere."""

    def __init__(self, image: Elf, alternate: Units | None = None) -> None:
        super().__init__(image)
        self.alternate = alternate
        # What a unit is that lies in a file of its own; None for one that does not.
        self.split: Callable[[Unit], Unit | None] = _not_split
        self._units: dict[int, Unit] = {}

    @cached_property
    def starts(self) -> list[int]:
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
        for start in self.starts:
            yield self.unit(start)

    def unit(self, start: int) -> Unit:
        found = self._units.get(start)
        if found is None:
            found = self._units[start] = Unit(self, start)
        return found

    def unit_of(self, offset: int) -> Unit:
        """The unit that holds an offset."""
        return self.unit(self.starts[bisect_right(self.starts, offset) - 1])

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
