"""Where a function's arguments and result are: the calling conventions of Linux.

x86-64: System V ABI, AMD64 supplement, section 3.2.3.  aarch64: AAPCS64, section 6.8.
A probe sees the integer registers and the stack; what is passed in vector registers is out
of its reach, and its place says so (`word` -1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from dscript.dtypes.types import INT, ArrayType, FloatType, StructType, Type, VoidType
from dscript.kernel.user_types import Parameter, UserFunction
from dscript.providers import passing_go
from dscript.providers.base import ArgumentType, Passed

_WORD = 8


@dataclass(slots=True)
class _Slots:
    """Numbers of integer registers, then of words on the stack, as they are given out."""

    registers: int
    vectors: int = 8
    used: int = 0
    stack: int = 0
    lost: bool = False  # where arguments are is no longer known

    def take(self, words: int) -> int | None:
        """The first of consecutive registers; None where they do not suffice."""
        if self.used + words > self.registers:
            return None
        self.used += words
        return self.used - words

    def on_stack(self, size: int, align: int = _WORD) -> int:
        """The number of the first of the words on the stack."""
        self.stack = -(-self.stack // max(_WORD, align)) * max(_WORD, align)
        at = self.stack
        self.stack += -(-size // _WORD) * _WORD
        return self.registers + at // _WORD


def at_entry(function: UserFunction, machine: str) -> list[ArgumentType]:
    """`args[]` of `entry`: the parameters in order, `this` of C++ among them."""
    if function.convention in ("go", "go-stack"):
        return passing_go.at_entry(function, machine)
    arm = machine == "aarch64"
    slots = _Slots(8 if arm else 6)
    if not arm and _in_memory(function.result):
        slots.take(1)  # where the result is to be stored
    place = _arm if arm else _x86
    if function.convention == "rust":
        place = partial(_rust, place)
    placed = [(each, *place(slots, each)) for each in function.params]
    registers = tuple(range(8)) if arm else _X86_REGISTERS
    if any(_is_elsewhere(each, word, registers) for each, word, _ in placed):
        return [_argument(each, _told(each, registers), "value") for each in function.params]
    return [_argument(*each) for each in placed]


# The DWARF numbers of the registers of arguments, in their order (AMD64 supplement, figure 3.36).
_X86_REGISTERS = (5, 4, 1, 2, 8, 9)


def _is_elsewhere(parameter: Parameter, word: int, registers: Sequence[int]) -> bool:
    """Whether the compiler passes a parameter otherwise than the ABI has it."""
    expected = registers[word] if 0 <= word < len(registers) else -1
    return parameter.register in registers and parameter.register != expected


def _told(parameter: Parameter, registers: Sequence[int]) -> int:
    """The word of a parameter of such a function, by the debug information alone."""
    if parameter.register not in registers or parameter.type.resolve().size > _WORD:
        return -1
    return registers.index(parameter.register)


def at_return(function: UserFunction, machine: str) -> list[ArgumentType]:
    """`args[]` of `return`: where the function is left, and its value unless it has none.

    `word` is the number of the `arg`.
    """
    if function.convention in ("go", "go-stack"):
        return passing_go.at_return(function, machine)
    first = ArgumentType("", "int", 0, type=INT, size=8)
    result = function.result
    if isinstance(result.type.resolve(), VoidType):
        return [first]
    resolved = result.type.resolve()
    if isinstance(resolved, FloatType):
        return [first, _argument(result, -1, "value")]
    if _in_memory(result):
        # The callee returns the address on x86-64; arm64 leaves it in no register.
        return [first, _argument(result, -1 if machine == "aarch64" else 1, "pointer")]
    if isinstance(resolved, (StructType, ArrayType)):
        return [first, _argument(result, -1 if _has_floats(resolved) else 1, "registers")]
    return [first, _argument(result, 1, "value")]


def _argument(parameter: Parameter, word: int, passed: Passed) -> ArgumentType:
    size = 0 if word < 0 else parameter.type.size
    return ArgumentType(
        parameter.name, str(parameter.type), word, size=size, type=parameter.type, passed=passed
    )


def _x86(slots: _Slots, parameter: Parameter) -> tuple[int, Passed]:
    type_ = parameter.type.resolve()
    size = type_.size
    if parameter.by_reference:
        return _word(slots), "pointer"
    if isinstance(type_, FloatType):
        if size <= _WORD and slots.vectors:
            slots.vectors -= 1
            return -1, "value"
        return slots.on_stack(size, size), "address"
    if not isinstance(type_, (StructType, ArrayType)):
        return _word(slots), "value"
    if size > 2 * _WORD or _is_unaligned(type_):
        return slots.on_stack(size, type_.align), "address"
    classes = _classes(type_)
    vectors = classes.count(False)
    if slots.used + classes.count(True) > slots.registers or vectors > slots.vectors:
        return slots.on_stack(size, type_.align), "address"
    slots.vectors -= vectors
    first = slots.take(classes.count(True))
    return (-1 if vectors or first is None else first), "registers"


def _arm(slots: _Slots, parameter: Parameter) -> tuple[int, Passed]:
    type_ = parameter.type.resolve()
    size = type_.size
    if parameter.by_reference:
        return _word(slots), "pointer"
    if isinstance(type_, FloatType):
        if slots.vectors:
            slots.vectors -= 1
            return -1, "value"
        return slots.on_stack(size, size), "address"
    if not isinstance(type_, (StructType, ArrayType)):
        return _word(slots), "value"
    count = _homogeneous(type_)
    if count:
        if slots.vectors >= count:
            slots.vectors -= count
            return -1, "registers"
        slots.vectors = 0
        return slots.on_stack(size, type_.align), "address"
    if size > 2 * _WORD:
        return _word(slots), "pointer"
    first = slots.take(-(-size // _WORD))
    if first is not None:
        return first, "registers"
    slots.used = slots.registers  # none of what follows goes into registers (rule C.13)
    return slots.on_stack(size, type_.align), "address"


_Place = Callable[[_Slots, Parameter], tuple[int, Passed]]


def _rust(as_c: _Place, slots: _Slots, parameter: Parameter) -> tuple[int, Passed]:
    """Rust's own functions, whose ABI is not laid down, as its compilers have it.

    What goes into registers otherwise than in C is out of reach, and so is all behind it.
    """
    type_ = parameter.type.resolve()
    if slots.lost or not isinstance(type_, (StructType, ArrayType)) or not type_.size:
        return (-1 if slots.lost or not type_.size else as_c(slots, parameter)[0]), "value"
    if type_.size > 2 * _WORD:
        return _word(slots), "pointer"
    scalars = sorted(at for at, _ in _scalars(type_))  # members need not lie in their order
    alike = scalars == [_WORD * number for number in range(len(scalars))]
    if scalars and alike and not _has_floats(type_) and not isinstance(type_, ArrayType):
        first = slots.take(len(scalars))
        if first is not None:
            return first, "registers"
    slots.lost = True
    return -1, "registers"


def _word(slots: _Slots) -> int:
    first = slots.take(1)
    return slots.on_stack(_WORD) if first is None else first


def _in_memory(result: Parameter) -> bool:
    """Whether a result is stored where the caller says."""
    type_ = result.type.resolve()
    if result.by_reference:
        return True
    return isinstance(type_, (StructType, ArrayType)) and (
        type_.size > 2 * _WORD or _is_unaligned(type_)
    )


def _scalars(type_: Type, at: int = 0) -> Iterator[tuple[int, Type]]:
    """The scalars of a type and their byte offsets."""
    type_ = type_.resolve()
    if isinstance(type_, StructType):
        for member in type_.members:
            yield from _scalars(member.type, at + member.offset)
    elif isinstance(type_, ArrayType):
        for index in range(min(type_.count or 0, 16)):
            yield from _scalars(type_.element, at + index * type_.element.size)
    else:
        yield at, type_


def _is_unaligned(type_: Type) -> bool:
    return any(at % max(1, scalar.align) for at, scalar in _scalars(type_))


def _classes(type_: Type) -> list[bool]:
    """For each eightbyte whether it goes into an integer register, else a vector register."""
    words: list[bool] = [False] * -(-type_.size // _WORD)
    for at, scalar in _scalars(type_):
        if not isinstance(scalar, FloatType) and at // _WORD < len(words):
            words[at // _WORD] = True
    return words


def _has_floats(type_: Type) -> bool:
    return not all(_classes(type_))


def _homogeneous(type_: Type) -> int:
    """The floating-point members of a structure of one to four of one type; else 0."""
    found: Sequence[Type] = [scalar for _, scalar in _scalars(type_)]
    alike = len({scalar.size for scalar in found}) == 1
    floats = all(isinstance(scalar, FloatType) for scalar in found)
    return len(found) if found and alike and floats and len(found) <= 4 else 0
