"""The headers of ELF files that unwinding needs, read without pyelftools, which takes 30 ms.

Layouts are those of <elf.h>: Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr, Elf64_Nhdr, Elf64_Chdr.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

_PT_LOAD, _PT_NOTE, _PT_GNU_EH_FRAME = 1, 4, 0x6474E550
_NT_GNU_BUILD_ID: Final = 3
_SHT_NOBITS: Final = 8
_SHF_COMPRESSED: Final = 1 << 11
_PF_X: Final = 1
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_MACHINES: Final = {62: "x86_64", 183: "aarch64"}


class Code(NamedTuple):
    """An executable segment: where it is linked for, where it lies in the file, its size."""

    address: int
    offset: int
    size: int


class Section(NamedTuple):
    """Bytes of the file and the address they are linked for."""

    address: int
    data: bytes


class NoElf(Exception):
    """The bytes are no 64-bit little-endian ELF file."""


class Headers:
    """Program and section headers of an ELF file, given as its bytes (or a mapping of them).

    `machine` is "" for one that is not known.  Raises NoElf.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            head = _EHDR.unpack_from(data)
            ident = head[0]
            if ident[:6] != b"\x7fELF\x02\x01":
                raise NoElf
            self.machine = _MACHINES.get(head[2], "")
            self._programs = [_PHDR.unpack_from(data, head[5] + 56 * n) for n in range(head[10])]
            self._section_at, self._section_count, self._names_at = head[6], head[12], head[13]
        except struct.error:
            raise NoElf from None

    def code(self) -> list[Code]:
        return [
            Code(address, offset, size)
            for kind, flags, offset, address, _, size, _, _ in self._programs
            if kind == _PT_LOAD and flags & _PF_X
        ]

    def build_id(self) -> str:
        """The GNU build ID in hexadecimal, empty when there is none."""
        for kind, _, offset, _, _, size, _, align in self._programs:
            if kind == _PT_NOTE:
                for note, owner, text in _notes(self._data[offset : offset + size], align):
                    if note == _NT_GNU_BUILD_ID and owner == b"GNU\0":
                        return text.hex()
        return ""

    def eh_frame(self) -> Section | None:
        """.eh_frame, by its section header, else by what PT_GNU_EH_FRAME points to."""
        found = self.section(".eh_frame")
        if found is not None:
            return found
        for kind, _, offset, address, _, _, _, _ in self._programs:
            # struct: version, encodings of the pointer, the count and the table, the pointer;
            # every linker writes it relative and in four bytes.
            if kind == _PT_GNU_EH_FRAME and self._data[offset : offset + 2] == b"\x01\x1b":
                (to,) = struct.unpack_from("<i", self._data, offset + 4)
                return self._rest(address + 4 + to)
        return None

    def _rest(self, address: int) -> Section | None:
        """The loaded bytes from an address on."""
        for kind, _, offset, start, _, size, _, _ in self._programs:
            if kind == _PT_LOAD and start <= address < start + size:
                return Section(address, self._data[offset + address - start : offset + size])
        return None

    def section(self, name: str) -> Section | None:
        """A section's bytes, uncompressed; None without such a one."""
        wanted = name.encode()
        try:
            heads = [
                _SHDR.unpack_from(self._data, self._section_at + 64 * n)
                for n in range(self._section_count)
            ]
        except struct.error:
            return None
        if self._names_at >= len(heads):
            return None
        names = heads[self._names_at][4]
        for head in heads:
            start = names + head[0]
            if (
                head[1] == _SHT_NOBITS
                or self._data[start : start + len(wanted) + 1] != wanted + b"\0"
            ):
                continue
            data = self._data[head[4] : head[4] + head[5]]
            return Section(head[3], _expanded(data) if head[2] & _SHF_COMPRESSED else data)
        return None


def _expanded(data: bytes) -> bytes:
    """A compressed section, empty where that is of an unknown kind or damaged."""
    if data[:4] != b"\x01\0\0\0":  # ELFCOMPRESS_ZLIB
        return b""
    try:
        return zlib.decompress(data[24:])
    except zlib.error:
        return b""


def _notes(data: bytes, align: int) -> Iterator[tuple[int, bytes, bytes]]:
    step = 8 if align == 8 else 4
    at = 0
    while at + 12 <= len(data):
        owner_size, size, kind = struct.unpack_from("<III", data, at)
        start = at + 12 + -(-owner_size // step) * step
        yield kind, data[at + 12 : at + 12 + owner_size], data[start : start + size]
        at = start + -(-size // step) * step
