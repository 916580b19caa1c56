"""ELF executables and libraries: functions, file offsets, notes, separate debug files.

Sections and segments are read by pyelftools; symbol tables, which can hold a hundred
thousand entries, are taken apart in one go (layout: <elf.h>, Elf64_Sym).
"""

from __future__ import annotations

import io
import lzma
import mmap
import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import IO, cast

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from dscript.kernel import debugfiles, go_functions

# <elf.h>: Elf64_Sym is name, info, other, shndx, value, size.
_SYMBOL = struct.Struct("<IBBHQQ")
_STT_FUNC, _STT_GNU_IFUNC = 2, 10
# So many functions before an address are looked at for one that it lies in.
_NEAR = 32
# Elf64_Rela: offset, info, addend.
_RELOCATION = struct.Struct("<QQq")


class BadElf(Exception):
    """The file is no 64-bit little-endian ELF file that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function symbol; `address` is the virtual address the file is linked for.

    `size` is in bytes, 0 where the symbol table does not say.
    """

    name: str
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A loadable segment (PT_LOAD): where its bytes lie in the file and in memory."""

    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Note:
    """One entry of a note section."""

    owner: str
    kind: int
    description: bytes


class Elf:
    """One ELF file.  Everything but the headers is read when first asked for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.identity = (0, 0)  # device and inode
        try:
            with open(path, "rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                stat = os.fstat(file.fileno())
                self.identity = (stat.st_dev, stat.st_ino)
            self._elf = ELFFile(cast("IO[bytes]", self._data))
        except OSError as error:
            raise BadElf(f"cannot read {path}: {(error.strerror or '').lower()}") from None
        except (ELFError, ValueError):  # an empty file cannot be mapped
            raise BadElf(f"{path} is no ELF file") from None
        if self._elf.elfclass != 64 or not self._elf.little_endian:
            raise BadElf(f"{path} is a {self._elf.elfclass}-bit file; only 64-bit ones are probed")
        self.machine: str = self._elf["e_machine"]
        self.entry: int = self._elf["e_entry"]
        self.segments = tuple(_segments(self._elf))
        self._functions: tuple[Function, ...] | None = None
        self._indirect: frozenset[str] = frozenset()

    def file_offset(self, address: int) -> int | None:
        """Where the byte at a virtual address lies in the file; None when it is in none."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.size:
                return address - segment.address + segment.offset
        return None

    def address_at(self, offset: int) -> int | None:
        """The virtual address of a byte of the file; the inverse of `file_offset`."""
        for segment in self.segments:
            if segment.offset <= offset < segment.offset + segment.size:
                return offset - segment.offset + segment.address
        return None

    def code(self, address: int, size: int) -> bytes:
        """Bytes of the file at a virtual address."""
        offset = self.file_offset(address)
        return b"" if offset is None else self._data[offset : offset + size]

    def has_section(self, name: str) -> bool:
        return self._elf.get_section_by_name(name) is not None

    def section(self, name: str) -> tuple[int, bytes] | None:
        """Link-time address and content of a section."""
        found = self._elf.get_section_by_name(name)
        return None if found is None else (found["sh_addr"], found.data())

    def sections(self, name: str) -> bytes:
        """All sections of one name, one behind the other, as a linker would put them."""
        return b"".join(part.data() for part in self._elf.iter_sections() if part.name == name)

    @property
    def build_id(self) -> str:
        """The GNU build ID in hexadecimal, empty when there is none."""
        for note in self.notes(".note.gnu.build-id"):
            if note.owner == "GNU":
                return note.description.hex()
        return ""

    @property
    def is_go(self) -> bool:
        """Made by the Go linker: stacks move, so a return address may not be replaced."""
        return self.has_section(".gopclntab") or self.has_section(".note.go.buildid")

    def notes(self, section: str) -> Iterator[Note]:
        """Entries of a note section (4-byte aligned parts), none when there is no such one."""
        found = self.section(section)
        data = b"" if found is None else found[1]
        at = 0
        while at + 12 <= len(data):
            name_size, size, kind = struct.unpack_from("<III", data, at)
            name = data[at + 12 : at + 12 + name_size].rstrip(b"\0")
            start = at + 12 + _aligned(name_size)
            yield Note(name.decode("utf-8", "replace"), kind, data[start : start + size])
            at = start + _aligned(size)

    def functions(self) -> tuple[Function, ...]:
        """Function symbols by address, from every table that the file or its debug file has.

        Of several names of one address all are kept.  A size that the table leaves out runs
        to the next symbol.
        """
        if self._functions is None:
            found: dict[tuple[int, str], int] = {}
            indirect: set[str] = set()
            for image in self._images():
                for function, is_indirect in _function_symbols(image):
                    if is_indirect:
                        indirect.add(function.name)
                        continue
                    key = (function.address, function.name)
                    found[key] = max(found.get(key, 0), function.size)
            if self.is_go and not self._elf.get_section_by_name(".symtab"):
                found |= {(address, name): size for name, address, size in self._functions_of_go()}
            self._functions = tuple(_sized(found, self.segments))
            self._indirect = frozenset(indirect)
        return self._functions

    @property
    def indirect(self) -> frozenset[str]:
        """Names of indirect functions (STT_GNU_IFUNC): their symbol is only the code that
        chooses, once, which implementation the name stands for (memcpy, strlen)."""
        self.functions()
        return self._indirect

    def symbol(self, name: str) -> int | None:
        """Address of a symbol of any kind in this file's own tables."""
        for table in (".symtab", ".dynsym"):
            section = self._elf.get_section_by_name(table)
            if isinstance(section, SymbolTableSection):
                for found in section.get_symbol_by_name(name) or ():
                    return int(found["st_value"])
        return None

    def run_path(self) -> tuple[str, bool]:
        """Where the dynamic linker is to look for libraries, and whether that is DT_RPATH.

        Empty when the file does not say; of both, DT_RUNPATH counts (ld.so(8)).
        """
        dynamic = self._elf.get_section_by_name(".dynamic")
        paths: dict[str, str] = {}
        if isinstance(dynamic, DynamicSection):
            for tag in dynamic.iter_tags():
                if tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH"):
                    paths[tag.entry.d_tag] = getattr(tag, tag.entry.d_tag[3:].lower())
        if "DT_RUNPATH" in paths:
            return paths["DT_RUNPATH"], False
        return paths.get("DT_RPATH", ""), "DT_RPATH" in paths

    def variable(self, name: str) -> int | None:
        """Link-time address of a data symbol that the file exports."""
        table = self._elf.get_section_by_name(".dynsym")
        symbols = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
        return symbols[0]["st_value"] if symbols else None

    def function_at(self, address: int) -> Function | None:
        """The function that an address lies in: of those inside of each other the innermost."""
        table = self.functions()
        end = bisect_right(table, address, key=lambda function: function.address)
        near = table[max(0, end - _NEAR) : end]
        having = [each for each in near if address < each.address + max(1, each.size)]
        return min(having, key=lambda each: (-each.address, plainness(each.name)), default=None)

    def _functions_of_go(self) -> Iterator[tuple[str, int, int]]:
        """Name, address and size, of a program of which only Go's own table is left."""
        for name in go_functions.SECTIONS:
            section = self.section(name)
            if section is None:
                continue
            address, table = section
            at = go_functions.text_start(table)
            start = 0
            if at is not None:
                (start,) = struct.unpack_from("<Q", table, at)
                start = start or self._relocated(address + at)
            yield from go_functions.functions(table, start)

    def _relocated(self, address: int) -> int:
        """The link-time address that the dynamic linker puts at a place; 0 for none."""
        for at, _info, addend in _RELOCATION.iter_unpack(self.sections(".rela.dyn")):
            if at == address:
                return int(addend)
        return 0

    def _images(self) -> Iterator[ELFFile]:
        """This file, the small symbol table packed into it, and its debug file."""
        yield self._elf
        packed = self.section(".gnu_debugdata")
        if packed is not None:
            with suppress(lzma.LZMAError, ELFError):
                yield ELFFile(io.BytesIO(lzma.decompress(packed[1])))
        debug = self.debug_file()
        if debug is not None:
            with suppress(OSError, ELFError), open(debug, "rb") as file:
                yield ELFFile(io.BytesIO(file.read()))

    def debug_file(self) -> str | None:
        """The separate debug file, by build ID, else by .gnu_debuglink (gdb's manual, 18.3)."""
        build_id = self.build_id
        candidates = []
        if len(build_id) > 2:
            name = f".build-id/{build_id[:2]}/{build_id[2:]}.debug"
            candidates += [os.path.join(base, name) for base in debugfiles.folders]
        link = self.section(".gnu_debuglink")
        if link is not None:
            name = link[1].partition(b"\0")[0].decode("utf-8", "surrogateescape")
            folder = os.path.dirname(os.path.realpath(self.path))
            candidates += [
                os.path.join(folder, name),
                os.path.join(folder, ".debug", name),
            ]
            candidates += [f"{base}{folder}/{name}" for base in debugfiles.folders]
        own = os.path.realpath(self.path)
        for path in candidates:
            if os.path.isfile(path) and os.path.realpath(path) != own:
                return path
        return None


def plainness(name: str) -> tuple[int, str]:
    """Of several names of one place the lowest is shown, as in DTrace: that with the fewest
    underscores in front, then the first in the alphabet."""
    return len(name) - len(name.lstrip("_")), name


def read(path: str) -> Elf:
    """The ELF file at a path; read anew when the file has changed.  Raises BadElf."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise BadElf(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    return _read(path, stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(path: str, _device: int, _inode: int, _time: int, _size: int) -> Elf:
    return Elf(path)


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def _segments(elf: ELFFile) -> Iterator[Segment]:
    for segment in elf.iter_segments("PT_LOAD"):
        yield Segment(segment["p_vaddr"], segment["p_offset"], segment["p_filesz"])


def _function_symbols(elf: ELFFile) -> Iterator[tuple[Function, bool]]:
    """Functions of a file's symbol tables, and whether each is an indirect one."""
    for name in (".symtab", ".dynsym"):
        table = elf.get_section_by_name(name)
        if table is None or table["sh_type"] == "SHT_NOBITS":
            continue
        names: Section = elf.get_section(table["sh_link"])
        strings = names.data()
        data = table.data()
        whole = len(data) - len(data) % _SYMBOL.size
        for at, info, _other, section, value, size in _SYMBOL.iter_unpack(data[:whole]):
            kind = info & 15
            if kind not in (_STT_FUNC, _STT_GNU_IFUNC) or section == 0 or value == 0:
                continue
            text = strings[at : strings.find(b"\0", at)].decode("utf-8", "replace")
            # A version of a dynamic symbol (`memcpy@@GLIBC_2.14`) is no part of its name.
            text = text.partition("@")[0]
            if text:
                yield Function(text, value, size), kind == _STT_GNU_IFUNC


def _sized(found: dict[tuple[int, str], int], segments: tuple[Segment, ...]) -> Iterator[Function]:
    """Functions in order of address, each with a size."""
    starts = sorted({address for address, _ in found})
    following = dict(pairwise(starts))
    for (address, name), size in sorted(found.items()):
        if not size:
            end = next(
                (s.address + s.size for s in segments if s.address <= address < s.address + s.size),
                address,
            )
            size = min(following.get(address, end), end) - address
        yield Function(name, address, size)
