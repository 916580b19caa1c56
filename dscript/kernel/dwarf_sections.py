"""Sections of debug information: their bytes, and what lies in them at an offset."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from dscript.kernel.dwarf_forms import At, Form, fixed_size
from dscript.kernel.elf import Elf
from dscript.kernel.leb128 import sleb, uleb


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


class Sections:
    """The sections of one ELF file that hold debug information; empty where it has none."""

    def __init__(self, image: Elf) -> None:
        self._image = image
        self._tables: dict[tuple[int, int], dict[int, Abbreviation]] = {}

    def section(self, name: str) -> bytes:
        found = self._image.section(name)
        return b"" if found is None else found[1]

    @cached_property
    def info(self) -> bytes:
        """.debug_info, and behind it .debug_types, where DWARF 4 has its type units."""
        types = self.section(".debug_types")
        return self._info_alone + types if types else self._info_alone

    @cached_property
    def _info_alone(self) -> bytes:
        return self.section(".debug_info")

    @cached_property
    def types_start(self) -> int:
        """Where in `info` the units of .debug_types begin."""
        return len(self._info_alone)

    def part(self, unit: int, version: int, of: str) -> int:
        """Where "abbreviations", "string offsets" and "range lists" of the unit at an offset
        begin, as far as the file says it beside the unit; else 0."""
        return 0

    @cached_property
    def strings(self) -> bytes:
        return self.section(".debug_str")

    @cached_property
    def _abbreviation_data(self) -> bytes:
        return self.section(".debug_abbrev")

    @cached_property
    def _line_strings(self) -> bytes:
        return self.section(".debug_line_str")

    @cached_property
    def string_offsets(self) -> bytes:
        return self.section(".debug_str_offsets")

    @cached_property
    def _addresses(self) -> bytes:
        return self.section(".debug_addr")

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

    def listed_string(self, at: int, size: int) -> str:
        """The string whose offset, of `size` bytes, is in .debug_str_offsets."""
        return self.string(int.from_bytes(self.string_offsets[at : at + size], "little"))

    def listed_address(self, at: int) -> int:
        """An address of .debug_addr."""
        return int.from_bytes(self._addresses[at : at + 8], "little")


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "replace")


def read_abbreviations(
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
