"""The kernel's type information (BTF): a lazy reader over a saved index.

`/sys/kernel/btf/vmlinux` holds some 100,000 types.  The first use on a kernel scans them
once (about 0.2 s) and saves an image: sorted indexes by kind and name, then the BTF itself.
Later uses map the image and look at the few types they need.  Everything here answers with
type IDs, bytes and bits; `btf_types` makes `dscript.dtypes` types of them.

Format: include/uapi/linux/btf.h and Documentation/bpf/btf.rst.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from dscript.kernel import btf_image, cachedir

DIRECTORY = "/sys/kernel/btf"
VMLINUX = "vmlinux"

_TYPE = Struct("<III")
_MEMBER = Struct("<III")
_PARAM = Struct("<II")
_ENUM64 = Struct("<III")


class Kind(IntEnum):
    """BTF_KIND_*."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


_QUALIFIERS = frozenset((Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG))


class BtfType(NamedTuple):
    """A type's fixed part.  `value` is its size or the ID it refers to, by kind; `at` is where
    the kind's own data begin in the image."""

    kind: int
    name: str
    vlen: int
    kind_flag: bool
    value: int
    at: int


class BtfMember(NamedTuple):
    """`bits` is 0 unless it is a bit-field; `bit_offset` counts from the struct's start."""

    name: str
    type: int
    bit_offset: int
    bits: int


class BtfParam(NamedTuple):
    name: str
    type: int


class Btf:
    """The types of vmlinux, or of a module on top of those (`base`)."""

    def __init__(self, module: str, image: btf_image.Image, base: Btf | None) -> None:
        self.module = module
        self.base = base
        self._image = image
        self._data = image.data
        self._first = image.first_type
        self._first_string = image.first_string

    # ------------------------------------------------------------------ types by ID

    def type(self, type_id: int) -> BtfType:
        """The type with this ID; IDs below the module's own are the base's."""
        if self.base is not None and type_id < self._first:
            return self.base.type(type_id)
        if type_id == 0:
            return BtfType(Kind.VOID, "void", 0, False, 0, 0)
        offset = self._image.types_at + self._image.offsets[type_id - self._first]
        name, info, value = _TYPE.unpack_from(self._data, offset)
        kind = info >> 24 & 0x1F
        return BtfType(kind, self.string(name), info & 0xFFFF, info >> 31 == 1, value, offset + 12)

    def owner(self, type_id: int) -> Btf:
        """The Btf whose image holds the type: this or its base."""
        return self.base if self.base is not None and type_id < self._first else self

    def string(self, offset: int) -> str:
        if self.base is not None and offset < self._first_string:
            return self.base.string(offset)
        start = self._image.strings_at + offset - self._first_string
        return self._data[start : self._data.find(b"\0", start)].decode(errors="replace")

    def members(self, type_id: int) -> list[BtfMember]:
        """Of a struct or union, as declared."""
        owner, found = self.owner(type_id), self.type(type_id)
        result: list[BtfMember] = []
        for index in range(found.vlen):
            name, member, place = _MEMBER.unpack_from(owner._data, found.at + 12 * index)
            bits = place >> 24 if found.kind_flag else 0
            offset = place & 0xFFFFFF if found.kind_flag else place
            if not found.kind_flag:
                offset, bits = self._old_bit_field(member, offset)
            result.append(BtfMember(owner.string(name), member, offset, bits))
        return result

    def _old_bit_field(self, type_id: int, offset: int) -> tuple[int, int]:
        """Bit-fields in the encoding without kind_flag: the int type itself is narrower."""
        resolved = self.type(self.resolve(type_id))
        if resolved.kind != Kind.INT:
            return offset, 0
        encoding = self.integer(self.resolve(type_id))
        if encoding.bits == resolved.value * 8 and not encoding.bit_offset:
            return offset, 0
        return offset + encoding.bit_offset, encoding.bits

    def params(self, type_id: int) -> list[BtfParam]:
        """Of a function or function prototype; a variadic one ends with type 0 and no name."""
        found = self.type(type_id)
        if found.kind == Kind.FUNC:
            return self.params(found.value)
        owner = self.owner(type_id)
        pairs = (_PARAM.unpack_from(owner._data, found.at + 8 * i) for i in range(found.vlen))
        return [BtfParam(owner.string(name), param) for name, param in pairs]

    def result(self, type_id: int) -> int:
        """The ID of the type that a function or prototype returns (0: void)."""
        found = self.type(type_id)
        return self.result(found.value) if found.kind == Kind.FUNC else found.value

    def enumerators(self, type_id: int) -> list[tuple[str, int]]:
        owner, found = self.owner(type_id), self.type(type_id)
        result: list[tuple[str, int]] = []
        for index in range(found.vlen):
            if found.kind == Kind.ENUM64:
                name, low, high = _ENUM64.unpack_from(owner._data, found.at + 12 * index)
                value, width = low | high << 32, 64
            else:
                name, value = _PARAM.unpack_from(owner._data, found.at + 8 * index)
                width = 32
            if found.kind_flag and value >> (width - 1):
                value -= 1 << width
            result.append((owner.string(name), value))
        return result

    def array(self, type_id: int) -> tuple[int, int]:
        """Element type ID and count."""
        element, _index, count = _TYPE.unpack_from(self.owner(type_id)._data, self.type(type_id).at)
        return element, count

    def integer(self, type_id: int) -> btf_image.IntEncoding:
        (word,) = Struct("<I").unpack_from(self.owner(type_id)._data, self.type(type_id).at)
        return btf_image.IntEncoding(word & 0xFF, word >> 16 & 0xFF, word >> 24 & 0xF)

    def resolve(self, type_id: int) -> int:
        """The ID with typedefs, qualifiers and tags taken off."""
        while (found := self.type(type_id)).kind in _QUALIFIERS or found.kind == Kind.TYPEDEF:
            type_id = found.value
        return type_id

    def unqualified(self, type_id: int) -> int:
        """The ID with qualifiers and tags taken off; typedefs stay."""
        while (found := self.type(type_id)).kind in _QUALIFIERS:
            type_id = found.value
        return type_id

    def size(self, type_id: int) -> int:
        """sizeof in bytes; 0 for void, functions and incomplete types."""
        type_id = self.resolve(type_id)
        found = self.type(type_id)
        if found.kind == Kind.PTR:
            return 8
        if found.kind == Kind.ARRAY:
            element, count = self.array(type_id)
            return self.size(element) * count
        sized = (Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FLOAT)
        return found.value if found.kind in sized else 0

    # ----------------------------------------------------------------- types by name

    def find(self, kind: Kind, name: str) -> int | None:
        """The first type of this kind and name in this image (not in the base)."""
        ids = self._image.by_name[kind]
        at = bisect_left(ids, name, key=self._name_of)
        if at < len(ids) and self._name_of(ids[at]) == name:
            return ids[at]
        return None

    def with_prefix(self, kind: Kind, prefix: str) -> Iterator[tuple[str, int]]:
        """(name, ID) of this image's types of a kind, in order of names."""
        ids = self._image.by_name[kind]
        for at in range(bisect_left(ids, prefix, key=self._name_of), len(ids)):
            name = self._name_of(ids[at])
            if not name.startswith(prefix):
                return
            yield name, ids[at]

    def enumerator(self, name: str) -> tuple[int, int] | None:
        """Value and enum type ID of an enumeration constant."""
        names = self._image.enumerator_names
        at = bisect_left(names, name, key=self.string)
        if at < len(names) and self.string(names[at]) == name:
            value, owner = self._image.enumerator_values[at], self._image.enumerator_types[at]
            unsigned = value < 0 and not self.type(owner).kind_flag
            return value + (1 << 64 if unsigned else 0), owner
        return None

    def _name_of(self, type_id: int) -> str:
        offset = self._image.types_at + self._image.offsets[type_id - self._first]
        return self.string(_TYPE.unpack_from(self._data, offset)[0])

    def member(self, type_id: int, name: str) -> BtfMember | None:
        """A member by name, looking through unnamed structs and unions."""
        type_id = self.resolve(type_id)
        for member in self.members(type_id):
            if member.name == name:
                return member
            if not member.name:
                inner = self.resolve(member.type)
                if self.type(inner).kind not in (Kind.STRUCT, Kind.UNION):
                    continue
                found = self.member(inner, name)
                if found is not None:
                    return found._replace(bit_offset=member.bit_offset + found.bit_offset)
        return None


# ------------------------------------------------------------------------- this kernel


@lru_cache(maxsize=1)
def vmlinux() -> Btf | None:
    """The kernel's own types; None when it was built without BTF or it cannot be read."""
    return _load(VMLINUX, None)


@lru_cache(maxsize=256)
def module(name: str) -> Btf | None:
    """A module's types (`vmlinux` and the empty name: the kernel's own)."""
    if name in ("", VMLINUX):
        return vmlinux()
    base = vmlinux()
    return _load(name, base) if base is not None else None


def modules() -> list[str]:
    """Names of the loaded modules that have BTF."""
    try:
        return sorted(name for name in os.listdir(DIRECTORY) if name != VMLINUX)
    except OSError:
        return []


def find(kind: Kind, name: str, in_module: str = "") -> tuple[Btf, int] | None:
    """A type by kind and name: of the module given, else of vmlinux, else of any module."""
    for candidate in (in_module or VMLINUX,) if in_module else (VMLINUX, *modules()):
        types = module(candidate)
        found = types.find(kind, name) if types is not None else None
        if types is not None and found is not None:
            return types, found
    return None


def member_offset(struct: str, path: str) -> tuple[int, int] | None:
    """(bit offset, size in bytes) of `path` (`comm`, `se.sum_exec_runtime`) in `struct struct`.

    None when the kernel has no such struct or member.  The size of a bit-field is that of
    its declared type.
    """
    types = vmlinux()
    type_id = types.find(Kind.STRUCT, struct) if types is not None else None
    if types is None or type_id is None:
        return None
    offset = 0
    for name in path.split("."):
        member = types.member(type_id, name)
        if member is None:
            return None
        offset += member.bit_offset
        type_id = member.type
    return offset, types.size(type_id)


@lru_cache(maxsize=256)
def identity(name: str = VMLINUX) -> str:
    """A text that is equal for equal BTF: build ID of the kernel or module and the BTF's size.

    Without a build ID it holds for this boot only.  Empty when there is no such BTF.
    """
    try:
        size = os.stat(f"{DIRECTORY}/{name}").st_size
    except OSError:
        return ""
    notes = (
        "/sys/kernel/notes" if name == VMLINUX else f"/sys/module/{name}/notes/.note.gnu.build-id"
    )
    build = _build_id(notes) or _read_text("/proc/sys/kernel/random/boot_id")
    own = f"{build}-{size}"
    return own if name == VMLINUX else f"{identity()}-{name}-{own}"


def _build_id(path: str) -> str:
    """The NT_GNU_BUILD_ID note (elf(5)) of a notes file, as hexadecimal digits."""
    try:
        with open(path, "rb") as file:
            notes = file.read()
    except OSError:
        return ""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = _TYPE.unpack_from(notes, at)
        name_at = at + 12
        content_at = name_at + (name_size + 3 & ~3)
        if kind == 3 and notes[name_at : name_at + name_size] == b"GNU\0":
            return notes[content_at : content_at + size].hex()
        at = content_at + (size + 3 & ~3)
    return ""


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _load(name: str, base: Btf | None) -> Btf | None:
    key = identity(name)
    if not key:
        return None
    cache = f"btf-{key}"
    file = cachedir.open_file(cache)
    if file is not None:
        with file:
            size = os.fstat(file.fileno()).st_size
            if size:
                mapped = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
                image = btf_image.open_image(mapped)
                if image is not None:
                    return Btf(name, image, base)
    try:
        with open(f"{DIRECTORY}/{name}", "rb") as raw:
            data = raw.read()
    except OSError:
        return None
    first_type = base._first + len(base._image.offsets) if base is not None else 1
    first_string = base._image.strings_size if base is not None else 0
    built = btf_image.build(data, first_type, first_string, base.string if base else None)
    if built is None:
        return None
    cachedir.write(cache, built)
    image = btf_image.open_image(built)
    return Btf(name, image, base) if image is not None else None
