"""BTF as `dscript.dtypes` types: what the compiler knows of the kernel's structures.

Structs and unions are made once for each BTF type and load their members when first asked,
so naming `struct task_struct` costs one look-up and not a thousand types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dscript.dtypes.names import from_words
from dscript.dtypes.types import (
    BOOL,
    CHAR,
    DOUBLE,
    FLOAT,
    INT,
    LDOUBLE,
    LONG,
    SCHAR,
    SHORT,
    UCHAR,
    UINT,
    ULONG,
    USHORT,
    VOID,
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    IntType,
    Member,
    PointerType,
    StructType,
    Type,
    TypedefType,
)
from dscript.kernel import btf
from dscript.kernel.btf import Btf, BtfType, Kind

_SIGNED = {1: SCHAR, 2: SHORT, 4: INT, 8: LONG}
_UNSIGNED = {1: UCHAR, 2: USHORT, 4: UINT, 8: ULONG}
_FLOATS = {4: FLOAT, 8: DOUBLE, 16: LDOUBLE}
_FLAG_SIGNED, _FLAG_BOOL = 1, 4


@dataclass(frozen=True, slots=True)
class Function:
    """A kernel function's prototype; `params` are (name, type)."""

    name: str
    module: str
    params: tuple[tuple[str, Type], ...]
    result: Type
    variadic: bool


def struct(tag: str, module: str = "") -> StructType | None:
    """`struct tag` of vmlinux, of the module given, or of any module that has it."""
    found = _named(Kind.STRUCT, tag, module)
    return found if isinstance(found, StructType) else None


def union(tag: str, module: str = "") -> StructType | None:
    found = _named(Kind.UNION, tag, module)
    return found if isinstance(found, StructType) else None


def enum(tag: str, module: str = "") -> EnumType | None:
    found = _named(Kind.ENUM, tag, module) or _named(Kind.ENUM64, tag, module)
    return found if isinstance(found, EnumType) else None


def typedef(name: str, module: str = "") -> TypedefType | None:
    found = _named(Kind.TYPEDEF, name, module)
    return found if isinstance(found, TypedefType) else None


def variable(name: str, module: str = "") -> Type | None:
    """The type of a kernel variable; BTF has the per-CPU ones, newer kernels' BTF has all."""
    place = btf.find(Kind.VAR, name, module)
    if place is None:
        return None
    types, type_id = place
    return _converter(types).type(types.type(type_id).value)


def function(name: str, module: str = "") -> Function | None:
    place = btf.find(Kind.FUNC, name, module)
    if place is None:
        return None
    types, type_id = place
    converter = _converter(types)
    params = types.params(type_id)
    variadic = bool(params) and params[-1] == ("", 0)
    pairs = tuple((p.name, converter.type(p.type)) for p in (params[:-1] if variadic else params))
    return Function(name, types.module, pairs, converter.type(types.result(type_id)), variadic)


def enumerator(name: str) -> tuple[int, EnumType] | None:
    """An enumeration constant's value and its enum, of vmlinux or any module."""
    for module in (btf.VMLINUX, *btf.modules()):
        types = btf.module(module)
        found = types.enumerator(name) if types is not None else None
        if types is not None and found is not None:
            owner = _converter(types).type(found[1])
            assert isinstance(owner, EnumType)
            return found[0], owner
    return None


def by_id(module: str, type_id: int) -> Type | None:
    """The type with this ID in a module's BTF; None without that BTF."""
    types = btf.module(module)
    return None if types is None else _converter(types).type(type_id)


def names(kind: Kind) -> list[str]:
    """All names of a kind in vmlinux, sorted; for near-miss suggestions."""
    types = btf.vmlinux()
    return [name for name, _id in types.with_prefix(kind, "")] if types is not None else []


def _named(kind: Kind, name: str, module: str) -> Type | None:
    place = btf.find(kind, name, module) if name else None
    return None if place is None else _converter(place[0]).type(place[1])


@lru_cache(maxsize=256)
def _converter(types: Btf) -> Converter:
    return Converter(types)


class Converter:
    """Types of one BTF; a module's share those of its base.  `user`: those of a program."""

    def __init__(self, types: Btf, *, user: bool = False) -> None:
        self._btf = types
        self._user = user
        self._made: dict[int, Type] = {}

    def type(self, type_id: int) -> Type:
        if self._btf.owner(type_id) is not self._btf:
            return _converter(self._btf.owner(type_id)).type(type_id)
        made = self._made.get(type_id)
        if made is None:
            made = self._made[type_id] = self._make(type_id, self._btf.type(type_id))
        return made

    def _make(self, type_id: int, found: BtfType) -> Type:
        kind = found.kind
        if kind in (Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG):
            return self.type(found.value)
        if kind == Kind.PTR:
            return PointerType(self.type(found.value), user=self._user)
        if kind == Kind.INT:
            return self._integer(type_id, found)
        if kind in (Kind.STRUCT, Kind.UNION):
            word: Literal["struct", "union"] = "union" if kind == Kind.UNION else "struct"
            return StructType(word, found.name, lambda: self._members(type_id))
        if kind == Kind.TYPEDEF:
            return TypedefType(found.name, self.type(found.value))
        if kind == Kind.ARRAY:
            element, count = self._btf.array(type_id)
            return ArrayType(self.type(element), count or None)
        if kind == Kind.FUNC_PROTO:
            return self._prototype(type_id, found)
        if kind in (Kind.ENUM, Kind.ENUM64):
            return self._enum(type_id, found)
        if kind == Kind.FLOAT:
            return _FLOATS.get(found.value, FloatType(found.name, found.value))
        if kind == Kind.FWD:
            return self._forward(found)
        if kind == Kind.FUNC:
            return self.type(found.value)
        return VOID

    def _enum(self, type_id: int, found: BtfType) -> EnumType:
        constants = tuple(self._btf.enumerators(type_id))
        signed = found.kind_flag
        if self._user and found.value == 4 and any(value >> 31 for _, value in constants):
            # GCC before 13 leaves the flag out; constants of C before C23 are ints.
            constants = tuple((n, v - (1 << 32) if v >> 31 else v) for n, v in constants)
            signed = True
        base = (_SIGNED if signed else _UNSIGNED).get(found.value, INT)
        return EnumType(found.name, constants, base)

    def _prototype(self, type_id: int, found: BtfType) -> FunctionType:
        params = self._btf.params(type_id)
        variadic = bool(params) and params[-1] == ("", 0)
        wanted = params[:-1] if variadic else params
        return FunctionType(
            self.type(found.value), tuple(self.type(param.type) for param in wanted), variadic
        )

    def _integer(self, type_id: int, found: BtfType) -> Type:
        flags = self._btf.integer(type_id).flags
        if flags & _FLAG_BOOL:
            return BOOL
        # The kernel's char is unsigned since 6.2; D's is signed (manual, chapter 2).
        named = CHAR if found.name == "char" else from_words(found.name.split())
        if isinstance(named, IntType) and named.size == found.value:
            return named
        signed = bool(flags & _FLAG_SIGNED)
        plain = (_SIGNED if signed else _UNSIGNED).get(found.value)
        return plain or IntType(found.name, found.value, signed, 6)

    def _forward(self, found: BtfType) -> Type:
        """A type declared here; its definition may be in another translation unit's types."""
        kind = Kind.UNION if found.kind_flag else Kind.STRUCT
        here = self._btf.find(kind, found.name)
        if here is not None:
            return self.type(here)
        return StructType("union" if found.kind_flag else "struct", found.name)

    def _members(self, type_id: int) -> tuple[Sequence[Member], int, int]:
        size = self._btf.type(type_id).value
        members = [
            Member(m.name, self.type(m.type), m.bit_offset, m.bits or None)
            for m in self._btf.members(type_id)
        ]
        align = max((m.type.align for m in members), default=1)
        packed = size % align or any(m.bits is None and m.offset % m.type.align for m in members)
        return members, size, 1 if packed else align
