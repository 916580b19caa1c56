"""Where a Go function's arguments and results are: in registers of their own, since Go 1.17.

Go's internal ABI, cmd/compile/abi-internal.md: a value is taken apart into integers, pointers and
floating-point numbers, each of which gets a register.  One that does not go into the registers
that are left lies on the stack as a whole; there, and in vector registers, it is out of
reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dscript.dtypes.types import INT, ArrayType, FloatType, StructType, Type
from dscript.kernel.user_types import Parameter, UserFunction
from dscript.providers.base import ArgumentType, Passed

_WORD = 8


def at_entry(function: UserFunction, machine: str) -> list[ArgumentType]:
    """The receiver of a method comes first."""
    return list(_placed(function.params, machine, reachable=function.convention == "go"))


def at_return(function: UserFunction, machine: str) -> list[ArgumentType]:
    """Where the function is left, and all its results."""
    place = ArgumentType("", "int", 0, type=INT, size=8)
    reachable = function.convention == "go"
    return [place, *_placed(function.results, machine, reachable=reachable)]


def registers(machine: str) -> tuple[int, int]:
    """How many there are for integers, and for floating-point numbers."""
    return (16, 16) if machine == "aarch64" else (9, 15)


@dataclass(slots=True)
class _Registers:
    """How many of each kind are left, and the number of the next one for integers."""

    integers: int
    vectors: int
    next: int = 0


def _placed(
    values: Sequence[Parameter], machine: str, *, reachable: bool
) -> Iterator[ArgumentType]:
    left = _Registers(*registers(machine))
    for value in values:
        word, passed = _place(value.type.resolve(), left)
        if not reachable:
            word = -1
        yield ArgumentType(
            value.name, str(value.type), word, size=value.type.size if word >= 0 else 0,
            type=value.type, passed=passed, registers="go",
        )  # fmt: skip


def _place(type_: Type, left: _Registers) -> tuple[int, Passed]:
    """The number of the first register, -1 where a probe cannot read the value."""
    passed: Passed = "registers" if isinstance(type_, (StructType, ArrayType)) else "value"
    parts = list(_parts(type_))
    vectors = sum(isinstance(part, FloatType) for _, part in parts if part is not None)
    integers = len(parts) - vectors
    if any(part is None for _, part in parts) or integers > left.integers or vectors > left.vectors:
        return -1, passed
    first = left.next
    left.next += integers
    left.integers -= integers
    left.vectors -= vectors
    # Put together again from whole words, without gaps.
    whole = all(at == _WORD * number for number, (at, _) in enumerate(parts))
    return (first if parts and whole and not vectors else -1), passed


def _parts(type_: Type, at: int = 0) -> Iterator[tuple[int, Type | None]]:
    """What has registers of its own, with byte offsets; None for what never goes into any."""
    type_ = type_.resolve()
    if isinstance(type_, StructType):
        for member in type_.members:
            yield from _parts(member.type, at + member.offset)
    elif isinstance(type_, ArrayType):
        if type_.count == 1:
            yield from _parts(type_.element, at)
        elif type_.count != 0:
            yield at, None
    else:
        yield at, type_
