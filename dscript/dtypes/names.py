"""Names that types have in every program: D's own typedefs and C's keywords."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.dtypes.types import (
    BOOL,
    CHAR,
    CHAR_POINTER,
    DOUBLE,
    FLOAT,
    INT,
    LDOUBLE,
    LLONG,
    LONG,
    SCHAR,
    SHORT,
    UCHAR,
    UINT,
    ULLONG,
    ULONG,
    USHORT,
    VOID,
    Type,
    TypedefType,
)

# D's own integer names (manual, chapter "Types, Operators and Expressions", tables 2-3 and 2-4),
# and the POSIX ones that every D program may use, with their Linux widths.
NAMED_TYPES: dict[str, Type] = {
    name: TypedefType(name, target)
    for name, target in {
        "int8_t": SCHAR,
        "int16_t": SHORT,
        "int32_t": INT,
        "int64_t": LONG,
        "intptr_t": LONG,
        "uint8_t": UCHAR,
        "uint16_t": USHORT,
        "uint32_t": UINT,
        "uint64_t": ULONG,
        "uintptr_t": ULONG,
        "u_char": UCHAR,
        "u_short": USHORT,
        "u_int": UINT,
        "u_long": ULONG,
        "uchar_t": UCHAR,
        "ushort_t": USHORT,
        "uint_t": UINT,
        "ulong_t": ULONG,
        "u_longlong_t": ULLONG,
        "longlong_t": LLONG,
        "size_t": ULONG,
        "ssize_t": LONG,
        "off_t": LONG,
        "loff_t": LLONG,
        "off64_t": LONG,
        "ptrdiff_t": LONG,
        "id_t": INT,
        "pid_t": INT,
        "uid_t": UINT,
        "gid_t": UINT,
        "zoneid_t": INT,
        "projid_t": INT,
        "taskid_t": INT,
        "poolid_t": INT,
        "processorid_t": INT,
        "psetid_t": INT,
        "lgrp_id_t": INT,
        "chipid_t": INT,
        "dev_t": UINT,
        "ino_t": ULONG,
        "mode_t": USHORT,
        "nlink_t": UINT,
        "major_t": UINT,
        "minor_t": UINT,
        "daddr_t": LONG,
        "caddr_t": CHAR_POINTER,
        "time_t": LONG,
        "hrtime_t": LLONG,
        "clock_t": LONG,
        "boolean_t": INT,
        "pc_t": ULONG,
        "stack_t": ULONG,
        "ipaddr_t": UINT,
        "in_addr_t": UINT,
        "in_port_t": USHORT,
        "key_t": INT,
        "useconds_t": UINT,
        "suseconds_t": LONG,
        "socklen_t": UINT,
        "bool": BOOL,
    }.items()
}

_WORDS: dict[tuple[str, ...], Type] = {
    ("void",): VOID,
    ("_Bool",): BOOL,
    ("char",): CHAR,
    ("char", "signed"): SCHAR,
    ("char", "unsigned"): UCHAR,
    ("short",): SHORT,
    ("short", "unsigned"): USHORT,
    ("int",): INT,
    ("unsigned",): UINT,
    ("int", "unsigned"): UINT,
    ("long",): LONG,
    ("long", "unsigned"): ULONG,
    ("long", "long"): LLONG,
    ("long", "long", "unsigned"): ULLONG,
    ("float",): FLOAT,
    ("double",): DOUBLE,
    ("double", "long"): LDOUBLE,
    ("signed",): INT,
}


def from_words(words: Sequence[str]) -> Type | None:
    """The C type that keyword specifiers name in any order, or None when they name none.

    `string` and typedef names are not keywords here.
    """
    key = sorted(words)
    if "signed" in key and "char" not in key and len(key) > 1:
        key.remove("signed")
    if "int" in key and ("short" in key or "long" in key):
        key.remove("int")
    return _WORDS.get(tuple(key))
