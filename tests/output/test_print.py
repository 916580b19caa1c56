"""print(): a value with its type, members by name."""

from __future__ import annotations

import struct

from dscript.output.values import print_value
from dscript.program import Action, Field, TypeLayout

from .support import Run, clause

INT = TypeLayout("int", "int", 4, True)
UINT64 = TypeLayout("int", "uint64_t", 8)
CHAR = TypeLayout("char", "char", 1, True)
POINTER = TypeLayout("pointer", "void *", 8)
STATE = TypeLayout("enum", "enum state", 4, enumerators=((0, "IDLE"), (1, "BUSY")))


def test_scalars() -> None:
    assert print_value(INT, struct.pack("<i", 18)) == b"int 0x12"
    assert print_value(INT, b"\0" * 4) == b"int 0"
    assert print_value(INT, b"\xff" * 4) == b"int 0xffffffff"
    assert print_value(POINTER, b"\0" * 8) == b"void * NULL"
    assert print_value(STATE, struct.pack("<i", 1)) == b"enum state BUSY"
    assert print_value(STATE, struct.pack("<i", 9)) == b"enum state 0x9"


def test_nested_struct() -> None:
    inner = TypeLayout("struct", "struct in", 8, members=(("a", 0, 32, INT), ("s", 32, 32, STATE)))
    name = TypeLayout("array", "char [8]", 8, element=CHAR, length=8)
    numbers = TypeLayout("array", "int [3]", 12, element=INT, length=3)
    outer = TypeLayout(
        "struct",
        "struct out",
        48,
        members=(
            ("p", 0, 64, POINTER),
            ("in", 64, 64, inner),
            ("name", 128, 64, name),
            ("n", 192, 96, numbers),
            ("low", 288, 3, INT),
            ("high", 291, 5, INT),
        ),
    )
    data = struct.pack("<QiI8s3iI", 0xFFFF8880, 5, 1, b"sh", 1, 0, -1, 0b11110_101)
    assert print_value(outer, data).decode() == (
        "struct out {\n"
        "    void *p = 0xffff8880\n"
        "    struct in in = {\n"
        "        int a = 0x5\n"
        "        enum state s = BUSY\n"
        "    }\n"
        '    char name[8] = "sh"\n'
        "    int n[3] = [ 0x1, 0, 0xffffffff ]\n"
        "    int low = 0xfffffffd\n"
        "    int high = 0xfffffffe\n"
        "}"
    )


def test_array_of_structs() -> None:
    pair = TypeLayout("struct", "struct p", 8, members=(("x", 0, 64, UINT64),))
    array = TypeLayout("array", "struct p [2]", 16, element=pair, length=2)
    assert print_value(array, struct.pack("<QQ", 1, 2)).decode() == (
        "struct p [2] [\n"
        "    {\n        uint64_t x = 0x1\n    },\n"
        "    {\n        uint64_t x = 0x2\n    }\n"
        "]"
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
    assert run.text == "int 0xfffffffestring hi"
