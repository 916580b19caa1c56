"""print(): a value with its type, members by name."""

from __future__ import annotations

import struct

import pytest

from dscript.output.prettyprint import print_value as show
from dscript.program import Action, Field, TypeLayout

from .support import Run, clause

INT = TypeLayout("int", "int", 4, True)
UINT64 = TypeLayout("int", "uint64_t", 8)
CHAR = TypeLayout("char", "char", 1, True)
POINTER = TypeLayout("pointer", "void *", 8)
STATE = TypeLayout("enum", "enum state", 4, enumerators=((0, "IDLE"), (1, "BUSY")))


CODE = TypeLayout("pointer", "int (*)(int)", 8, element=TypeLayout("function", "", 0))


def resolve(address: int) -> bytes:
    return b"vmlinux`do_work" if address == 0x1000 else b"0x%x" % address


def print_value(layout: TypeLayout, data: bytes) -> str:
    return show(layout, data, resolve).decode()


@pytest.mark.parametrize(
    ("layout", "data", "expected"),
    [
        (INT, struct.pack("<i", 18), "int 0x12\n"),
        (INT, b"\0" * 4, "int 0\n"),
        (INT, b"\xff" * 4, "int 0xffffffff\n"),
        (UINT64, b"\xff" * 8, "uint64_t 0xffffffffffffffff\n"),
        (POINTER, b"\0" * 8, "void * 0\n"),
        (POINTER, struct.pack("<Q", 0x1000), "void * 0x1000\n"),
        (CODE, struct.pack("<Q", 0x1000), "int (*)(int) vmlinux`do_work\n"),
        (CODE, struct.pack("<Q", 0x2000), "int (*)(int) 0x2000\n"),
        (CODE, b"\0" * 8, "int (*)(int) 0\n"),
        (STATE, struct.pack("<i", 1), "enum state BUSY\n"),
        (STATE, struct.pack("<i", 9), "enum state 9\n"),
        (STATE, struct.pack("<i", -9), "enum state -9\n"),
        (CHAR, b"z", "char 'z'\n"),
        (CHAR, b"\0", "char '\\0'\n"),
        (CHAR, b"\n", "char '\\012'\n"),
        (CHAR, b"\xff", "char '\\377'\n"),
        (TypeLayout("char", "unsigned char", 1), b"z", "unsigned char 0x7a\n"),
        (TypeLayout("float", "double", 8, True), struct.pack("<d", 1.5), "double +1.5000000e+00\n"),
        (TypeLayout("float", "float", 4, True), struct.pack("<f", -2), "float -2.0000000e+00\n"),
        (TypeLayout("string", "string", 8), b'a"b\0junk', 'string "a"b"\n'),
    ],
)
def test_scalars(layout: TypeLayout, data: bytes, expected: str) -> None:
    assert print_value(layout, data) == expected


def test_nested_struct() -> None:
    inner = TypeLayout("struct", "struct in", 8, members=(("a", 0, 32, INT), ("s", 32, 32, STATE)))
    union = TypeLayout("union", "union (anon)", 4, members=(("u", 0, 32, INT),))
    name = TypeLayout("array", "char [8]", 8, element=CHAR, length=8)
    pointers = TypeLayout("array", "void * [1]", 8, element=POINTER, length=1)
    numbers = TypeLayout("array", "int [3]", 12, element=INT, length=3)
    outer = TypeLayout(
        "struct",
        "struct out",
        60,
        members=(
            ("p", 0, 64, POINTER),
            ("in", 64, 64, inner),
            ("name", 128, 64, name),
            ("n", 192, 96, numbers),
            ("low", 288, 3, INT),
            ("high", 291, 5, INT),
            ("", 320, 32, union),
            ("q", 352, 64, pointers),
        ),
    )
    data = struct.pack(
        "<QiI8s3iIIQ", 0xFFFF8880, 5, 1, b"sh", 1, 0, -1, 0b11110_101, 6, 0xFFFFFFFF81000000
    )
    assert print_value(outer, data) == (
        "struct out {\n"
        "    void *p = 0xffff8880\n"
        "    struct in in = {\n"
        "        int a = 0x5\n"
        "        enum state s = BUSY\n"
        "    }\n"
        '    char [8] name = [ "sh" ]\n'
        "    int [3] n = [ 0x1, 0, 0xffffffff ]\n"
        "    int low :3 = 0x5\n"
        "    int high :5 = 0x1e\n"
        "    union {\n"
        "        int u = 0x6\n"
        "    }\n"
        "    void *[1] q = [ 0xffffffff81000000 ]\n"
        "}"
    )


def test_characters_are_a_string_only_with_a_nul() -> None:
    array = TypeLayout("array", "char [4]", 4, element=CHAR, length=4)
    assert print_value(array, b"ab\0\xff") == 'char [4] "ab"\n'
    assert print_value(array, b"\0\0\0\0") == 'char [4] ""\n'
    assert print_value(array, b"abcd") == "char [4] [ 'a', 'b', 'c', 'd' ]\n"
    assert print_value(array, b"a\1\0\0") == "char [4] [ 'a', '\\001', '\\0', '\\0' ]\n"


def test_array_of_structs() -> None:
    pair = TypeLayout("struct", "struct p", 8, members=(("x", 0, 64, UINT64),))
    array = TypeLayout("array", "struct p [2]", 16, element=pair, length=2)
    assert print_value(array, struct.pack("<QQ", 1, 2)) == (
        "struct p [2] [ \n"
        "    struct p {\n        uint64_t x = 0x1\n    }, \n"
        "    struct p {\n        uint64_t x = 0x2\n    }\n"
        "]\n"
    )


def test_as_an_action() -> None:
    fields = (
        Field("int", 0, 4, True, "int", layout=INT),
        Field("string", 4, 8, type_name="string"),
    )
    run = Run(
        [clause(*(Action("print", (f,), text=f.type_name) for f in fields))], options={"quiet": ""}
    )
    run.fire(0, struct.pack("<i8s", -2, b"hi"))
    assert run.text == 'int 0xfffffffe\nstring "hi"\n'
