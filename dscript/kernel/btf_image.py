"""The saved form of one BTF: indexes by kind and name in front of the unchanged types.

Layout, little endian: header; for each kind (start, count) into the sorted IDs; the offset
of every type; the IDs sorted by name, kind after kind; enumeration constants sorted by name
(string offsets, values, type IDs); the types; the strings.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from dscript import progress

_MAGIC = b"dsBTF\0\0\2"
_HEADER = Struct("<8sIIIIIIIIIIII")  # see `_pack`
_KINDS = 32
_REPORT_BYTES = 1 << 18  # of types, between two reports of progress
_DIRECTORY = Struct(f"<{2 * _KINDS}I")
_BTF_HEADER = Struct("<HBBIIIII")
_BTF_MAGIC = 0xEB9F

# Kinds that are looked up by name.
_INT, _STRUCT, _UNION, _ENUM, _TYPEDEF, _FUNC, _VAR, _FLOAT, _ENUM64 = 1, 4, 5, 6, 8, 12, 14, 16, 19
_NAMED = frozenset((_INT, _STRUCT, _UNION, _ENUM, _TYPEDEF, _FUNC, _VAR, _FLOAT, _ENUM64))

# Bytes after the 12 of every type: fixed, and for each of `vlen` elements.
_FIXED = {1: 4, 3: 12, 14: 4, 17: 4}
_EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}


class IntEncoding(NamedTuple):
    """Of BTF_KIND_INT; `flags` bit 0 signed, bit 1 char, bit 2 bool."""

    bits: int
    bit_offset: int
    flags: int


@dataclass(frozen=True, slots=True)
class Image:
    """An opened image; `offsets[i]` belongs to type `first_type + i`."""

    data: bytes | mmap.mmap
    first_type: int
    first_string: int
    types_at: int
    strings_at: int
    strings_size: int  # of this BTF and its base together
    offsets: memoryview
    by_name: tuple[memoryview, ...]
    enumerator_names: memoryview
    enumerator_values: memoryview
    enumerator_types: memoryview


def build(
    btf: bytes, first_type: int, first_string: int, base_string: Callable[[int], str] | None
) -> bytes | None:
    """The image of a BTF blob; None when it is none (another magic, cut short)."""
    try:
        return _Builder(btf, first_type, first_string, base_string).image()
    except (StructError, KeyError, IndexError, ValueError):
        return None


class _Builder:
    """One scan over all types."""

    def __init__(
        self,
        btf: bytes,
        first_type: int,
        first_string: int,
        base_string: Callable[[int], str] | None,
    ) -> None:
        magic, _version, _flags, head, type_at, type_size, str_at, str_size = (
            _BTF_HEADER.unpack_from(btf)
        )
        if magic != _BTF_MAGIC:
            raise ValueError("not BTF of this byte order")
        self.types = btf[head + type_at : head + type_at + type_size]
        self.strings = btf[head + str_at : head + str_at + str_size]
        self.first_type, self.first_string = first_type, first_string
        self.base_string = base_string
        self.offsets = array("I")
        self.named: dict[int, list[tuple[bytes, int]]] = {kind: [] for kind in _NAMED}
        self.constants: list[tuple[bytes, int, int, int]] = []

    def string(self, offset: int) -> bytes:
        if offset < self.first_string:
            return self.base_string(offset).encode() if self.base_string else b""
        start = offset - self.first_string
        return self.strings[start : self.strings.index(b"\0", start)]

    def image(self) -> bytes:
        self._scan()
        ids = array("I")
        directory: list[int] = []
        for kind in range(_KINDS):
            entries = sorted(self.named.get(kind, ()))
            directory += (len(ids), len(entries))
            ids.extend(type_id for _name, type_id in entries)
        return self._pack(ids, directory)

    def _scan(self) -> None:
        types, unpack, string = self.types, Struct("<III").unpack_from, self.string
        at, type_id, end = 0, self.first_type, len(self.types)
        append, named, fixed, each = self.offsets.append, self.named, _FIXED, _EACH
        next_report = 0
        while at < end:
            if at >= next_report:
                progress.report("indexing kernel types", at >> 10, end >> 10)
                next_report = at + _REPORT_BYTES
            append(at)
            name, info, _value = unpack(types, at)
            kind, vlen = info >> 24 & 0x1F, info & 0xFFFF
            if kind == 0 or kind > _ENUM64:
                raise ValueError(f"unknown BTF kind {kind}")
            if name and kind in named:
                named[kind].append((string(name), type_id))
            if kind in (_ENUM, _ENUM64):
                self._constants(at + 12, kind, vlen, info >> 31 == 1, type_id)
            at += 12 + fixed.get(kind, 0) + each.get(kind, 0) * vlen
            type_id += 1

    def _constants(self, at: int, kind: int, vlen: int, signed: bool, type_id: int) -> None:
        unpack = Struct("<III" if kind == _ENUM64 else "<II").unpack_from
        step = 12 if kind == _ENUM64 else 8
        for place in range(at, at + vlen * step, step):
            name, low, *high = unpack(self.types, place)
            value = low | high[0] << 32 if high else low
            if high:
                value -= (value >> 63) << 64  # kept as a signed 64-bit word
            elif signed:
                value -= (value >> 31) << 32
            self.constants.append((self.string(name), name, value, type_id))

    def _pack(self, ids: array[int], directory: list[int]) -> bytes:
        self.constants.sort()
        names = array("I", (name for _text, name, _value, _type in self.constants))
        values = array("q", (value for _text, _name, value, _type in self.constants))
        owners = array("I", (type_id for _text, _name, _value, type_id in self.constants))
        parts = [array("I", directory), self.offsets, ids, names, owners, values]
        blobs = [part.tobytes() for part in parts] + [self.types, self.strings]
        at = _HEADER.size
        places: list[int] = []
        padded: list[bytes] = []
        for blob in blobs:
            places.append(at)
            padded.append(blob + bytes(-len(blob) % 8))
            at += len(padded[-1])
        header = _HEADER.pack(
            _MAGIC,
            at,
            self.first_type,
            self.first_string,
            len(self.offsets),
            len(names),
            len(self.strings),
            *places[1:6],
            places[6],
        )
        return b"".join([header, *padded])


def open_image(data: bytes | mmap.mmap) -> Image | None:
    """An image from its bytes; None when it is not one or was cut short."""
    if len(data) < _HEADER.size + _DIRECTORY.size or data[:8] != _MAGIC:
        return None
    head = _HEADER.unpack_from(data)
    total, first_type, first_string, type_count, constant_count, string_size = head[1:7]
    offsets_at, ids_at, names_at, owners_at, values_at, types_at = head[7:]
    if total != len(data):
        return None
    directory = _DIRECTORY.unpack_from(data, _HEADER.size)
    view = memoryview(data)

    def words(at: int, count: int) -> memoryview:
        return view[at : at + 4 * count].cast("I")

    by_name = tuple(
        words(ids_at + 4 * directory[2 * kind], directory[2 * kind + 1]) for kind in range(_KINDS)
    )
    return Image(
        data,
        first_type,
        first_string,
        types_at,
        total - string_size - (-string_size % 8),
        first_string + string_size,
        words(offsets_at, type_count),
        by_name,
        words(names_at, constant_count),
        view[values_at : values_at + 8 * constant_count].cast("q"),
        words(owners_at, constant_count),
    )
