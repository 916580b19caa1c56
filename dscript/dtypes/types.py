"""C and D types with their layout.  No kernel access and no names to look up.

Sizes and alignments are bytes of the LP64 model.  Scalar types compare by value;
structs, unions and enums by identity, since C compares them by declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal


class Type:
    """Base of all types.  `size` is 0 for what has no size (void, functions)."""

    @property
    def size(self) -> int:
        raise NotImplementedError

    @property
    def align(self) -> int:
        return max(1, self.size)

    def resolve(self) -> Type:
        """The type with typedefs taken off."""
        return self


@dataclass(frozen=True, slots=True)
class VoidType(Type):
    @property
    def size(self) -> int:
        return 0

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class IntType(Type):
    """`rank` orders conversions (C11 6.3.1.1): char 1, short 2, int 3, long 4, long long 5."""

    name: str
    bytes: int
    signed: bool
    rank: int
    is_char: bool = False
    is_bool: bool = False

    @property
    def size(self) -> int:
        return self.bytes

    def __str__(self) -> str:
        return self.name


INT = IntType("int", 4, True, 3)


@dataclass(frozen=True, slots=True)
class FloatType(Type):
    name: str
    bytes: int

    @property
    def size(self) -> int:
        return self.bytes

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class StringType(Type):
    """D's string: NUL-terminated within `capacity` bytes (option strsize)."""

    capacity: int

    @property
    def size(self) -> int:
        return self.capacity

    @property
    def align(self) -> int:
        return 1

    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True, slots=True)
class PointerType(Type):
    """`user` says that it leads into the memory of the traced process; such a pointer and one
    into the kernel's are of the same type."""

    target: Type
    user: bool = field(default=False, compare=False)

    @property
    def size(self) -> int:
        return 8

    def __str__(self) -> str:
        if isinstance(self.target, (ArrayType, FunctionType)):
            return self.target.declare("(*)")
        return f"{self.target}{'' if str(self.target).endswith('*') else ' '}*"


@dataclass(frozen=True, slots=True)
class ArrayType(Type):
    """`count` is None for `[]` (flexible or unknown)."""

    element: Type
    count: int | None

    @property
    def size(self) -> int:
        return self.element.size * (self.count or 0)

    @property
    def align(self) -> int:
        return self.element.align

    def declare(self, inner: str) -> str:
        text = f"{inner}[{'' if self.count is None else self.count}]"
        if isinstance(self.element, (ArrayType, FunctionType)):
            return self.element.declare(text)
        return f"{self.element} {text}"

    def __str__(self) -> str:
        suffix = f" [{'' if self.count is None else self.count}]"
        element: Type = self.element
        while isinstance(element, ArrayType):
            suffix += f"[{'' if element.count is None else element.count}]"
            element = element.element
        return f"{element}{suffix}"


@dataclass(frozen=True, slots=True)
class FunctionType(Type):
    result: Type
    params: tuple[Type, ...]
    variadic: bool = False

    @property
    def size(self) -> int:
        return 0

    def declare(self, inner: str) -> str:
        params = [str(p) for p in self.params] + (["..."] if self.variadic else [])
        return f"{self.result} {inner}({', '.join(params) or 'void'})"

    def __str__(self) -> str:
        return self.declare("")


@dataclass(frozen=True, slots=True)
class Member:
    """`bit_offset` from the start of the struct; `bits` is None unless it is a bit-field.

    Unnamed struct and union members have the name "".
    """

    name: str
    type: Type
    bit_offset: int
    bits: int | None = None

    @property
    def offset(self) -> int:
        return self.bit_offset // 8


Loader = Callable[[], tuple[Sequence[Member], int, int] | None]


@dataclass(eq=False, slots=True)
class StructType(Type):
    """A struct or union.  Members come from `loader` (→ members, size, align) when first asked.

    Without a loader (or where that finds none) and without `define`, it is incomplete:
    `complete` is False.
    """

    kind: Literal["struct", "union"]
    tag: str
    loader: Loader | None = field(default=None, repr=False)
    _members: tuple[Member, ...] | None = field(default=None, repr=False)
    _size: int = 0
    _align: int = 1

    def define(self, members: Sequence[Member], size: int, align: int) -> None:
        self._members, self._size, self._align = tuple(members), size, align

    def _load(self) -> None:
        if self._members is None and self.loader is not None:
            loader, self.loader = self.loader, None
            found = loader()
            if found is not None:
                self.define(*found)

    @property
    def complete(self) -> bool:
        self._load()
        return self._members is not None

    @property
    def members(self) -> tuple[Member, ...]:
        self._load()
        return self._members or ()

    @property
    def size(self) -> int:
        self._load()
        return self._size

    @property
    def align(self) -> int:
        self._load()
        return self._align

    def find(self, name: str) -> Member | None:
        """The member called `name`, looking through unnamed structs and unions."""
        for member in self.members:
            if member.name == name:
                return member
            inner = member.type.resolve()
            if not member.name and isinstance(inner, StructType):
                found = inner.find(name)
                if found is not None:
                    offset = member.bit_offset + found.bit_offset
                    return Member(found.name, found.type, offset, found.bits)
        return None

    def names(self) -> list[str]:
        """All member names that `find` knows."""
        result: list[str] = []
        for member in self.members:
            inner = member.type.resolve()
            if member.name:
                result.append(member.name)
            elif isinstance(inner, StructType):
                result.extend(inner.names())
        return result

    def __str__(self) -> str:
        return f"{self.kind} {self.tag or '(anon)'}"


@dataclass(eq=False, slots=True)
class EnumType(Type):
    tag: str
    enumerators: tuple[tuple[str, int], ...] = ()
    base: IntType = INT

    @property
    def size(self) -> int:
        return self.base.size

    def __str__(self) -> str:
        return f"enum {self.tag or '(anon)'}"


@dataclass(frozen=True, slots=True)
class TypedefType(Type):
    name: str
    target: Type

    @property
    def size(self) -> int:
        return self.target.size

    @property
    def align(self) -> int:
        return self.target.align

    def resolve(self) -> Type:
        return self.target.resolve()

    def __str__(self) -> str:
        return self.name


VOID = VoidType()
BOOL = IntType("_Bool", 1, False, 0, is_bool=True)
CHAR = IntType("char", 1, True, 1, is_char=True)
SCHAR = IntType("signed char", 1, True, 1, is_char=True)
UCHAR = IntType("unsigned char", 1, False, 1, is_char=True)
SHORT = IntType("short", 2, True, 2)
USHORT = IntType("unsigned short", 2, False, 2)
UINT = IntType("unsigned int", 4, False, 3)
LONG = IntType("long", 8, True, 4)
ULONG = IntType("unsigned long", 8, False, 4)
LLONG = IntType("long long", 8, True, 5)
ULLONG = IntType("unsigned long long", 8, False, 5)
FLOAT = FloatType("float", 4)
DOUBLE = FloatType("double", 8)
LDOUBLE = FloatType("long double", 16)
CHAR_POINTER = PointerType(CHAR)
VOID_POINTER = PointerType(VOID)


def lay_out(
    kind: Literal["struct", "union"], fields: Sequence[tuple[str, Type, int | None]]
) -> tuple[list[Member], int, int]:
    """Members, size and alignment of a struct as the x86-64/aarch64 System V ABI lays it out.

    `fields` are (name, type, bit width or None).  A zero-width bit-field closes its unit.
    """
    members: list[Member] = []
    bit = size_bits = 0
    align = 1
    for name, type_, bits in fields:
        start = 0 if kind == "union" else bit
        unit = type_.align * 8
        if bits is None:
            start = -(-start // unit) * unit
            end = start + type_.size * 8
            align = max(align, type_.align)
        elif bits == 0:
            bit = -(-start // unit) * unit
            continue
        else:
            # A bit-field may not cross a boundary of its declared type.
            if start // unit != (start + bits - 1) // unit:
                start = -(-start // unit) * unit
            end = start + bits
            if name:
                align = max(align, type_.align)
        if name or bits is None:
            members.append(Member(name, type_, start, bits))
        bit = end
        size_bits = max(size_bits, end)
    size = -(-size_bits // (8 * align)) * align
    return members, size, align


def is_integral(type_: Type) -> bool:
    """Integers, enums and _Bool."""
    return isinstance(type_.resolve(), (IntType, EnumType))


def is_pointer_like(type_: Type) -> bool:
    """Pointers, and arrays and functions that decay to them."""
    return isinstance(type_.resolve(), (PointerType, ArrayType, FunctionType))


def is_scalar(type_: Type) -> bool:
    return isinstance(type_.resolve(), (IntType, EnumType, PointerType))


def is_float(type_: Type) -> bool:
    return isinstance(type_.resolve(), FloatType)


def is_char_data(type_: Type) -> bool:
    """`char *` and `char []`: what D compares with and turns into strings."""
    type_ = type_.resolve()
    if isinstance(type_, PointerType):
        target = type_.target.resolve()
    elif isinstance(type_, ArrayType):
        target = type_.element.resolve()
    else:
        return False
    return isinstance(target, IntType) and target.is_char


def is_signed(type_: Type) -> bool:
    """Signedness of a scalar; pointers are unsigned."""
    type_ = type_.resolve()
    if isinstance(type_, EnumType):
        return type_.base.signed
    return isinstance(type_, IntType) and type_.signed


def is_bool(type_: Type) -> bool:
    type_ = type_.resolve()
    return isinstance(type_, IntType) and type_.is_bool
