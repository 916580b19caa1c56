"""Where the calling conventions put arguments, for both machines.

Expected places are worked out by hand from the ABI documents named in the module.
"""

from __future__ import annotations

from dscript.dtypes.types import (
    CHAR,
    DOUBLE,
    FLOAT,
    INT,
    LDOUBLE,
    LONG,
    VOID,
    ArrayType,
    PointerType,
    StructType,
    Type,
    lay_out,
)
from dscript.kernel.dwarf_types import Convention
from dscript.kernel.user_types import Parameter, UserFunction
from dscript.providers.passing import at_entry, at_return


def _struct(*types: Type) -> StructType:
    made = StructType("struct", "s")
    made.define(*lay_out("struct", [(f"m{at}", type_, None) for at, type_ in enumerate(types)]))
    return made


TWO_INTS = _struct(INT, INT)
TWO_LONGS = _struct(LONG, LONG)
BIG = _struct(LONG, LONG, LONG)
MIXED = _struct(LONG, DOUBLE)
FLOATS = _struct(FLOAT, FLOAT, FLOAT)


def _entry(machine: str, *types: Type, result: Type = INT) -> list[tuple[int, str]]:
    function = UserFunction(
        tuple(Parameter("", type_) for type_ in types), Parameter("", result), False
    )
    return [(a.word, a.passed) for a in at_entry(function, machine)]


def _result(machine: str, result: Type) -> tuple[int, str] | None:
    found = at_return(UserFunction((), Parameter("", result), False), machine)
    assert found[0].word == 0
    return (found[1].word, found[1].passed) if len(found) > 1 else None


def test_x86_64_integers_and_floats() -> None:
    # rdi, xmm0, rsi, xmm1, rdx: floating-point arguments take no integer register.
    assert _entry("x86_64", INT, DOUBLE, PointerType(CHAR), FLOAT, LONG) == [
        (0, "value"), (-1, "value"), (1, "value"), (-1, "value"), (2, "value"),
    ]  # fmt: skip
    # The seventh is the first word on the stack, the eighth the second.
    assert _entry("x86_64", *[LONG] * 8)[5:] == [(5, "value"), (6, "value"), (7, "value")]
    # The ninth floating-point argument is on the stack, before the seventh integer.
    assert _entry("x86_64", *[DOUBLE] * 9, *[LONG] * 7)[8:] == [
        (6, "address"), *[(n, "value") for n in range(6)], (7, "value"),
    ]  # fmt: skip
    # A long double takes 16 bytes of the stack, aligned.
    assert _entry("x86_64", *[LONG] * 7, LDOUBLE, LONG)[6:] == [
        (6, "value"), (8, "address"), (10, "value"),
    ]  # fmt: skip


def test_x86_64_structures() -> None:
    assert _entry("x86_64", TWO_INTS, TWO_LONGS, INT) == [
        (0, "registers"), (1, "registers"), (3, "value"),
    ]  # fmt: skip
    assert _entry("x86_64", BIG, INT, BIG, INT) == [
        (6, "address"), (0, "value"), (9, "address"), (1, "value"),
    ]  # fmt: skip
    # Five registers are taken: one of two words goes to the stack as a whole, what follows not.
    assert _entry("x86_64", *[LONG] * 5, TWO_LONGS, LONG)[5:] == [(6, "address"), (5, "value")]
    # One eightbyte in a vector register: out of reach; the other one takes a register.
    assert _entry("x86_64", MIXED, INT) == [(-1, "registers"), (1, "value")]
    assert _entry("x86_64", INT, result=BIG) == [(1, "value")]  # rdi: where the result goes


def test_x86_64_results() -> None:
    assert _result("x86_64", VOID) is None
    assert _result("x86_64", LONG) == (1, "value")
    assert _result("x86_64", TWO_LONGS) == (1, "registers")
    assert _result("x86_64", BIG) == (1, "pointer")
    assert _result("x86_64", DOUBLE) == (-1, "value")
    assert _result("x86_64", MIXED) == (-1, "registers")


def test_aarch64() -> None:
    assert _entry("aarch64", *[LONG] * 9)[7:] == [(7, "value"), (8, "value")]
    assert _entry("aarch64", INT, DOUBLE, INT) == [(0, "value"), (-1, "value"), (1, "value")]
    assert _entry("aarch64", TWO_LONGS, BIG, INT) == [
        (0, "registers"), (2, "pointer"), (3, "value"),
    ]  # fmt: skip
    assert _entry("aarch64", FLOATS, INT) == [(-1, "registers"), (0, "value")]
    # What does not fit into the registers left closes them (C.13).
    assert _entry("aarch64", *[LONG] * 7, TWO_LONGS, LONG)[7:] == [(8, "address"), (10, "value")]
    # x8 says where a large result goes: no argument register is lost.
    assert _entry("aarch64", INT, result=BIG) == [(0, "value")]
    assert _result("aarch64", BIG) == (-1, "pointer")
    assert _result("aarch64", TWO_INTS) == (1, "registers")


def test_classes_passed_by_address() -> None:
    function = UserFunction(
        (Parameter("", TWO_INTS, True), Parameter("", INT)), Parameter("", TWO_INTS, True), False
    )
    found = [(a.word, a.passed) for a in at_entry(function, "x86_64")]
    assert found == [(1, "pointer"), (2, "value")]


def _of(convention: Convention, *types: Type, machine: str = "x86_64") -> list[tuple[int, str]]:
    params = tuple(Parameter("", type_) for type_ in types)
    function = UserFunction(params, Parameter("", VOID), False, convention)
    return [(a.word, a.passed) for a in at_entry(function, machine)]


TEXT = _struct(PointerType(CHAR), LONG)  # a string of Go; a slice of bytes of Rust


def test_go() -> None:
    """Every part of a value has a register (abi-internal.md), and none is put together."""
    assert _of("go", LONG, TEXT, LONG) == [(0, "value"), (1, "registers"), (3, "value")]
    assert _of("go", LONG, TWO_INTS, LONG) == [(0, "value"), (-1, "registers"), (3, "value")]
    assert _of("go", DOUBLE, LONG, MIXED, LONG) == [
        (-1, "value"), (0, "value"), (-1, "registers"), (2, "value"),
    ]  # fmt: skip
    # Nine registers; what does not fit as a whole leaves what is left to those after it.
    assert [word for word, _ in _of("go", *[LONG] * 11)] == [*range(9), -1, -1]
    assert [word for word, _ in _of("go", *[LONG] * 8, TEXT, LONG)] == [*range(8), -1, 8]
    assert [word for word, _ in _of("go", *[LONG] * 17, machine="aarch64")] == [*range(16), -1]
    # Arrays of one element are that; longer ones are on the stack, empty ones nowhere.
    arrays = [ArrayType(LONG, 1), ArrayType(LONG, 2), ArrayType(LONG, 0), LONG]
    assert _of("go", *arrays) == [
        (0, "registers"), (-1, "registers"), (-1, "registers"), (1, "value"),
    ]  # fmt: skip
    # Before Go 1.17 all was on the stack, where numbers are packed.
    assert [word for word, _ in _of("go-stack", LONG, TEXT)] == [-1, -1]


def test_results_of_go() -> None:
    results = (Parameter("", LONG), Parameter("", TEXT))
    function = UserFunction((), Parameter("", VOID), False, "go", results)
    found = at_return(function, "x86_64")
    assert [(a.word, a.registers) for a in found] == [(0, "call"), (0, "go"), (1, "go")]


def test_rust() -> None:
    """As rustc 1.95 compiles them; what depends on its version is out of reach."""
    assert _of("rust", LONG, TEXT, LONG) == [(0, "value"), (1, "registers"), (3, "value")]
    assert _of("rust", LONG, BIG, LONG) == [(0, "value"), (1, "pointer"), (2, "value")]
    assert _of("rust", _struct(INT), LONG) == [(0, "registers"), (1, "value")]
    # Two registers, not one as in C; behind it nothing is known.
    assert [word for word, _ in _of("rust", LONG, TWO_INTS, LONG)] == [0, -1, -1]
    assert [word for word, _ in _of("rust", ArrayType(LONG, 2), LONG)] == [-1, -1]
