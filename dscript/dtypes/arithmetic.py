"""Integer types in arithmetic: promotion, common types, constants and what a value wraps to."""

from __future__ import annotations

from dscript.dtypes.types import (
    INT,
    LLONG,
    LONG,
    UINT,
    ULLONG,
    ULONG,
    EnumType,
    IntType,
    Type,
    is_bool,
    is_signed,
)


def as_int(type_: Type) -> IntType:
    """The integer type that arithmetic on an integral type starts from."""
    type_ = type_.resolve()
    if isinstance(type_, EnumType):
        return type_.base
    assert isinstance(type_, IntType)
    return type_


def promote(type_: Type) -> IntType:
    """Integer promotion (C11 6.3.1.1): everything of lower rank than int becomes int."""
    integer = as_int(type_)
    return INT if integer.rank < INT.rank else integer


def usual_conversion(left: Type, right: Type) -> IntType:
    """The common type of two integral operands (C11 6.3.1.8)."""
    a, b = promote(left), promote(right)
    if a.signed == b.signed:
        return a if a.rank >= b.rank else b
    unsigned, signed = (b, a) if a.signed else (a, b)
    if unsigned.rank >= signed.rank:
        return unsigned
    if signed.bytes > unsigned.bytes:
        return signed
    return ULONG if signed is LONG else ULLONG


def integer_literal(value: int, suffix: str, decimal: bool) -> IntType | None:
    """The smallest type that holds a constant (C11 6.4.4.1); None when it fits none.

    Decimal constants without `u` that only fit unsigned 64 bits become unsigned, as D does.
    """
    unsigned = "u" in suffix
    longs = suffix.count("l")
    ladder: list[IntType] = []
    if longs == 0:
        ladder += [UINT] if unsigned else ([INT] if decimal else [INT, UINT])
    if longs <= 1:
        ladder += [ULONG] if unsigned else [LONG, ULONG]
    ladder += [ULLONG] if unsigned else [LLONG, ULLONG]
    for candidate in ladder:
        if value <= max_value(candidate):
            return candidate
    return None


def max_value(type_: IntType) -> int:
    return (1 << (type_.bytes * 8 - (1 if type_.signed else 0))) - 1


def wrap(value: int, type_: Type) -> int:
    """`value` as a variable of this integral or pointer type would hold it."""
    if is_bool(type_):
        return int(value != 0)
    bits = type_.size * 8
    value &= (1 << bits) - 1
    if is_signed(type_) and value >> (bits - 1):
        value -= 1 << bits
    return value
