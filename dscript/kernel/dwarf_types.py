"""DWARF as `dscript.dtypes` types: what a program's debug information says of its data.

Every pointer is one into the program's memory (`PointerType.user`).  Structures load their
members when first asked.  What C does not have is shown as far as it has a layout: base
classes are unnamed members, references pointers, the variants of a Rust enum named members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
    FunctionType,
    IntType,
    Member,
    PointerType,
    StructType,
    Type,
    TypedefType,
)
from dscript.kernel.dwarf import UNREADABLE, Dwarf, Entry, Unit
from dscript.kernel.dwarf_classes import is_passed_by_address
from dscript.kernel.dwarf_forms import At, Tag
from dscript.kernel.dwarf_places import UNKNOWN, register_at_entry
from dscript.kernel.leb128 import uleb

# DW_ATE_*.
_BOOLEAN, _FLOAT, _SIGNED, _SIGNED_CHAR, _UTF = 2, 4, 5, 6, 0x10
_SIGNED_ENCODINGS = (_SIGNED, _SIGNED_CHAR)
_COMPLEX = 3
_INTEGERS = {
    True: {1: SCHAR, 2: SHORT, 4: INT, 8: LONG},
    False: {1: UCHAR, 2: USHORT, 4: UINT, 8: ULONG},
}
_FLOATS = {4: FLOAT, 8: DOUBLE, 16: LDOUBLE}

_CC_NOCALL = 3  # DW_CC_nocall: called in a way of the compiler's own

_QUALIFIERS = (Tag.CONST, Tag.VOLATILE, Tag.RESTRICT, Tag.ATOMIC, Tag.IMMUTABLE)
_POINTERS = (Tag.POINTER, Tag.REFERENCE, Tag.RVALUE_REFERENCE)
_STRUCTS = (Tag.STRUCTURE, Tag.CLASS, Tag.UNION)
_TYPES = frozenset((*_STRUCTS, Tag.ENUMERATION, Tag.TYPEDEF, Tag.BASE))
_SPACES = frozenset((Tag.NAMESPACE, Tag.STRUCTURE, Tag.CLASS, Tag.UNION))
# C89 to C17, and C11 of old: no names inside of others.
_C_LANGUAGES = (0x01, 0x02, 0x0C, 0x1D, 0x2C)

TypeKind = Literal["struct", "union", "enum", "typedef"]
_TAGS: dict[str, tuple[int, ...]] = {
    "struct": (Tag.STRUCTURE, Tag.CLASS),
    "union": (Tag.UNION,),
    "enum": (Tag.ENUMERATION,),
    # C++ and Rust name their structures without a keyword.
    "typedef": (Tag.TYPEDEF, Tag.BASE, *_STRUCTS, Tag.ENUMERATION),
}


# How arguments are passed: as C does, or as a language does that has its own way; `go-stack` is
# that of Go before its arguments went into registers.
Convention = Literal["c", "rust", "go", "go-stack"]
_GO, _RUST = 0x16, 0x1C  # DW_LANG_*
_GO_ON_STACK = re.compile(r"\bgo1\.(?:\d|1[0-6])\b")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`by_reference`: a value that the ABI passes as its address (a C++ class that is not
    trivial to copy).  `register` is what `register_at_entry` tells."""

    name: str
    type: Type
    by_reference: bool = False
    register: int = UNKNOWN


@dataclass(frozen=True, slots=True)
class UserFunction:
    """What a function is called with; `result` is VOID for none.

    `results` are those of a Go function, all of them.
    """

    params: tuple[Parameter, ...]
    result: Parameter
    variadic: bool
    convention: Convention = "c"
    results: tuple[Parameter, ...] = ()


class Types:
    """The types and functions of one file's debug information."""

    def __init__(self, dwarf: Dwarf) -> None:
        self._dwarf = dwarf
        self._made: dict[tuple[int, int], Type] = {}
        self._outlines: dict[int, dict[str, list[tuple[int, int]]]] = {}
        self._paths: dict[tuple[int, int], str] = {}
        self._functions: dict[int, dict[int, int]] = {}

    # ----------------------------------------------------------------------- by name

    def named(self, kind: TypeKind, name: str, near: int | None = None) -> Type | None:
        """The type of a name, as the unit of the code at `near` has it, else as any has."""
        if near is not None:
            for unit in self._dwarf.units_at(near):
                found = self._in_unit(unit, kind, name)
                if found is not None:
                    return found
        for dwarf in (self._dwarf, self._dwarf.alternate):
            if dwarf is None:
                continue
            for unit in dwarf.units_naming(name.rpartition("::")[2]):
                found = self._in_unit(unit, kind, name)
                if found is not None:
                    return found
        return None

    def _in_unit(self, unit: Unit, kind: TypeKind, name: str) -> Type | None:
        outline = self._outline(unit)
        for tag, offset in outline.get(name, ()):
            if tag in _TAGS[kind]:
                return self._of(unit.entry(offset))
        return None

    def _outline(self, unit: Unit) -> dict[str, list[tuple[int, int]]]:
        """The named types that a unit defines: (tag, offset) each; inside of others by their
        path (`geo::Point`) and, unless another has it, by the last part of it."""
        known = self._outlines.get(id(unit))
        if known is None:
            known = self._outlines[id(unit)] = {}
            inner: dict[str, list[tuple[int, int]]] = {}
            for path, entry in self._types_of(unit, unit.root, ""):
                known.setdefault(path, []).append((entry.tag, entry.offset))
                last = path.rpartition("::")[2]
                if last != path:
                    inner.setdefault(last, []).append((entry.tag, entry.offset))
            for last, found in inner.items():
                known.setdefault(last, found)
        return known

    def _types_of(self, unit: Unit, entry: Entry, path: str) -> Iterator[tuple[str, Entry]]:
        nested = unit.language not in _C_LANGUAGES
        wanted = _TYPES | _SPACES if nested else _TYPES
        for child in unit.outline(entry, wanted):
            own = f"{path}{child.name}"
            self._paths[id(unit.dwarf), child.offset] = own
            if child.tag in _TYPES and child.name and At.DECLARATION not in child.attributes:
                yield own, child
            if nested and child.tag in _SPACES and child.has_children:
                below = f"{own}::" if child.name else path
                yield from self._types_of(unit, child, below)

    # -------------------------------------------------------------------- functions

    def function(self, address: int) -> UserFunction | None:
        """The function that begins at an address of the file; None where nothing tells, or
        where the compiler made it a calling convention of its own."""
        for unit in self._dwarf.units_at(address):
            found = self._functions_of(unit).get(address)
            if found is not None:
                return self._signature(unit.entry(found), address)
        return None

    def _functions_of(self, unit: Unit) -> dict[int, int]:
        """Where the entries of a unit's functions are, by the addresses of their parts."""
        known = self._functions.get(id(unit))
        if known is None:
            known = self._functions[id(unit)] = {}
            for entry in self._subprograms(unit, unit.root):
                low = entry.attributes.get(At.LOW_PC)
                starts = [low] if isinstance(low, int) else [at for at, _ in unit.ranges(entry)]
                for start in starts:
                    known.setdefault(start, entry.offset)
        return known

    def _subprograms(self, unit: Unit, entry: Entry) -> Iterator[Entry]:
        for child in unit.outline(entry, _SPACES | {Tag.SUBPROGRAM}):
            if child.tag == Tag.SUBPROGRAM:
                yield child
            elif unit.language not in _C_LANGUAGES:
                yield from self._subprograms(unit, child)

    def _signature(self, entry: Entry, start: int) -> UserFunction | None:
        if entry.number(At.CALLING_CONVENTION) == _CC_NOCALL:
            return None
        params: list[Parameter] = []
        results: list[Parameter] = []
        variadic = False
        convention = _convention(entry.unit)
        for child in entry.unit.children(entry):
            if child.tag == Tag.PARAMETER:
                # Go's results are parameters that the function sets.
                is_result = convention in ("go", "go-stack") and self._is_variable(child)
                (results if is_result else params).append(self._parameter(child, start))
            elif child.tag == Tag.UNSPECIFIED_PARAMETERS:
                variadic = True
        result = self._by_value("", self._inherited(entry, At.TYPE))
        return UserFunction(tuple(params), result, variadic, convention, tuple(results))

    def _is_variable(self, entry: Entry) -> bool:
        return any(one.number(At.VARIABLE_PARAMETER) for one in self._origins(entry))

    def _parameter(self, entry: Entry, start: int) -> Parameter:
        made = self._by_value(self._inherited_name(entry), self._inherited(entry, At.TYPE))
        return replace(made, register=register_at_entry(entry, start))

    def _by_value(self, name: str, entry: Entry | None) -> Parameter:
        type_ = VOID if entry is None else self._of(entry)
        return Parameter(name, type_, is_passed_by_address(entry))

    def _origins(self, entry: Entry) -> Iterator[Entry]:
        """An entry, and those it is a copy or the definition of."""
        for _ in range(8):
            yield entry
            origin = entry.reference(At.ABSTRACT_ORIGIN) or entry.reference(At.SPECIFICATION)
            if origin is None:
                return
            entry = entry.unit.dwarf.entry(origin)

    def _inherited(self, entry: Entry, attribute: int) -> Entry | None:
        for one in self._origins(entry):
            if (found := one.reference(attribute)) is not None:
                return one.unit.dwarf.entry(found)
        return None

    def _inherited_name(self, entry: Entry) -> str:
        return next((one.name for one in self._origins(entry) if one.name), "")

    # ------------------------------------------------------------------------- types

    def _target(self, entry: Entry) -> Entry | None:
        found = entry.reference(At.TYPE)
        return None if found is None else entry.unit.dwarf.entry(found)

    def _referred(self, entry: Entry) -> Type:
        target = self._target(entry)
        return VOID if target is None else self._of(target)

    def _of(self, entry: Entry) -> Type:
        key = id(entry.unit.dwarf), entry.offset
        made = self._made.get(key)
        if made is None:
            self._made[key] = VOID  # what refers to itself without a structure between
            made = self._made[key] = self._make(entry)
        return made

    def _make(self, entry: Entry) -> Type:
        tag = entry.tag
        signature = entry.reference(At.SIGNATURE)
        if signature is not None:  # defined in a unit of its own
            return self._of(entry.unit.dwarf.entry(signature))
        if tag in _QUALIFIERS or tag == Tag.SUBRANGE:
            return self._referred(entry)
        if tag in _POINTERS:
            return PointerType(self._referred(entry), user=True)
        if tag == Tag.BASE:
            return _base(entry)
        if tag == Tag.TYPEDEF:
            return TypedefType(self._name(entry), self._referred(entry))
        if tag in _STRUCTS:
            kind: Literal["struct", "union"] = "union" if tag == Tag.UNION else "struct"
            return StructType(kind, self._name(entry), lambda: self._readable(entry))
        if tag == Tag.ENUMERATION:
            return self._enumeration(entry)
        if tag == Tag.ARRAY:
            return self._array(entry)
        if tag == Tag.SUBROUTINE_TYPE:
            children = list(entry.unit.children(entry))
            params = tuple(self._referred(c) for c in children if c.tag == Tag.PARAMETER)
            variadic = any(c.tag == Tag.UNSPECIFIED_PARAMETERS for c in children)
            return FunctionType(self._referred(entry), params, variadic)
        if tag == Tag.PTR_TO_MEMBER:
            to_function = isinstance(self._referred(entry).resolve(), FunctionType)
            return ArrayType(LONG, 2) if to_function else LONG  # Itanium C++ ABI, 2.3
        return _opaque(entry.number(At.BYTE_SIZE))

    def _name(self, entry: Entry) -> str:
        """The name with its namespaces, where the language has them."""
        unit = entry.unit
        if unit.language in _C_LANGUAGES or not entry.name:
            return entry.name
        self._outline(unit)
        return self._paths.get((id(unit.dwarf), entry.offset), entry.name)

    def _readable(self, entry: Entry) -> tuple[Sequence[Member], int, int] | None:
        """As `_struct`; None, too, where the entries are damaged."""
        try:
            return self._struct(entry)
        except UNREADABLE:
            return None

    def _struct(self, entry: Entry) -> tuple[Sequence[Member], int, int] | None:
        """Members, size and alignment; of one that is only declared, as it is defined."""
        if At.DECLARATION in entry.attributes:
            kind: TypeKind = "union" if entry.tag == Tag.UNION else "struct"
            found = self.named(kind, self._name(entry)) if entry.name else None
            if not isinstance(found, StructType) or not found.complete:
                return None
            return found.members, found.size, found.align
        members = [
            member
            for child in entry.unit.children(entry)
            for member in self._members(child, entry.number(At.BYTE_SIZE))
        ]
        size = entry.number(At.BYTE_SIZE)
        align = max((m.type.align for m in members), default=1)
        packed = size % align or any(m.bits is None and m.offset % m.type.align for m in members)
        return members, size, 1 if packed else align

    def _members(self, child: Entry, size: int) -> Iterator[Member]:
        if child.tag in (Tag.MEMBER, Tag.INHERITANCE):
            # Static members have no place in the object; that of a virtual base is computed.
            if At.EXTERNAL in child.attributes or At.DECLARATION in child.attributes:
                return
            type_ = self._referred(child)
            place = _place(child, type_.size)
            if place is not None:
                name = "" if child.tag == Tag.INHERITANCE else child.name
                yield Member(name, type_, *place)
        elif child.tag == Tag.VARIANT_PART:
            for part in child.unit.children(child):
                if part.tag == Tag.VARIANT:
                    for member in part.unit.children(part):
                        yield from self._members(member, size)
                elif part.tag == Tag.MEMBER and (place := _place(part, 0)) is not None:
                    yield Member(part.name or "__discriminant", self._referred(part), *place)

    def _enumeration(self, entry: Entry) -> EnumType:
        constants = tuple(
            (child.name, child.number(At.CONST_VALUE))
            for child in entry.unit.children(entry)
            if child.tag == Tag.ENUMERATOR
        )
        base = self._referred(entry).resolve()
        size = entry.number(At.BYTE_SIZE, 4)
        if not isinstance(base, IntType):
            negative = any(value < 0 for _, value in constants)
            base = _INTEGERS[negative or (size == 4 and max((v for _, v in constants), default=0)
                             < 1 << 31)].get(size, INT)  # fmt: skip
        if base.signed:
            top = 1 << 8 * base.size
            constants = tuple((n, v - top if v >= top // 2 else v) for n, v in constants)
        return EnumType(self._name(entry), constants, base)

    def _array(self, entry: Entry) -> Type:
        counts = [_count(c) for c in entry.unit.children(entry) if c.tag == Tag.SUBRANGE]
        made = self._referred(entry)
        for count in reversed(counts or [None]):
            made = ArrayType(made, count)
        return made


def _count(entry: Entry) -> int | None:
    """Elements of one dimension; None where it is open or computed."""
    count = entry.attributes.get(At.COUNT)
    if isinstance(count, int):
        return count
    last = entry.attributes.get(At.UPPER_BOUND)
    # An upper bound of -1, in whatever size, is that of an array of none.
    if isinstance(last, int) and last not in (0xFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):
        return last + 1
    return None


def _base(entry: Entry) -> Type:
    name, size = entry.name, entry.number(At.BYTE_SIZE)
    encoding = entry.number(At.ENCODING)
    if encoding == _BOOLEAN and size == 1:
        return BOOL if name == "_Bool" else TypedefType(name, BOOL)
    if encoding == _FLOAT and size in _FLOATS:
        return _FLOATS[size]
    if encoding == _COMPLEX:
        return ArrayType(_FLOATS.get(size // 2, DOUBLE), 2)
    words = CHAR if name == "char" and size == 1 else from_words(name.split())
    if isinstance(words, IntType) and words.size == size:
        return words
    plain = _INTEGERS[encoding in _SIGNED_ENCODINGS].get(size)
    return _opaque(size) if plain is None else TypedefType(name, plain)


def _opaque(size: int) -> Type:
    """What D has no type for, as bytes."""
    return ArrayType(UCHAR, size) if size else VOID


def _place(entry: Entry, size: int) -> tuple[int, int | None] | None:
    """Bit offset of a member and, of a bit-field, its width; None where it is computed."""
    location = entry.attributes.get(At.MEMBER_LOCATION, 0)
    if isinstance(location, bytes):
        if location[:1] != b"\x23":  # DW_OP_plus_uconst
            return None
        location = uleb(location, 1)[0]
    if not isinstance(location, int):
        return None
    bits = entry.attributes.get(At.BIT_SIZE)
    if not isinstance(bits, int):
        return 8 * location, None
    if At.DATA_BIT_OFFSET in entry.attributes:
        return entry.number(At.DATA_BIT_OFFSET), bits
    # DWARF 2 and 3: counted from the most significant bit of a storage unit.
    unit = entry.number(At.BYTE_SIZE, size)
    return 8 * (location + unit) - entry.number(At.BIT_OFFSET) - bits, bits


def _convention(unit: Unit) -> Convention:
    if unit.language == _GO:
        return "go-stack" if _GO_ON_STACK.search(unit.producer) else "go"
    return "rust" if unit.language == _RUST else "c"
