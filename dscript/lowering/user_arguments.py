"""Arguments of probes in user code: registers, the process's stack, and where a note says."""

from __future__ import annotations

from dscript.errors import Diagnostic, Span
from dscript.kernel.usdt_operands import Location
from dscript.lowering.generator import Generator
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.providers.base import ArgumentType
from dscript.semantics import tree


def function_argument(g: Generator, index: int) -> Value:
    """An argument of a user function: in a register, or on its stack beyond those."""
    f = g.f
    registers = g.unit.kernel.registers["call"]
    if index < len(registers):
        return f.ctx_load(g.ctx, registers[index])
    return _user_word(g, _stack_slot(g, index), 8)


def _stack_slot(g: Generator, index: int) -> Value:
    """Where an argument is that did not fit into registers."""
    # On x86-64 the return address lies below the arguments; arm64 keeps it in a register.
    beyond = index - len(g.unit.kernel.registers["call"])
    above = beyond + (0 if g.unit.kernel.machine == "aarch64" else 1)
    return g.f.op("add", g.f.ctx_load(g.ctx, g.unit.kernel.registers["sp"][0]), 8 * above)


def typed(g: Generator, place: ArgumentType, index: int) -> Value:
    """`args[index]`: a scalar, or where the structure is that it means."""
    if place.registers == "go":
        return g.f.ctx_load(g.ctx, g.unit.kernel.registers["go"][place.word])
    if g.firing == "ureturn":
        return function_result(g, index)
    if place.passed == "address":
        return _stack_slot(g, place.word)
    return function_argument(g, place.word)


def structure(g: Generator, node: tree.ProbeArgument) -> Value:
    """A structure that was passed in registers, put together in memory."""
    f, place = g.f, node.place
    words = -(-place.size // 8)
    copy = f.slot("argument", max(16, 8 * words))
    registers = g.unit.kernel.registers[place.registers]
    first = place.word
    if g.firing == "ureturn" and place.registers == "call":
        # The second register of a result is rdx, or x1.
        second = registers[1 if g.unit.kernel.machine == "aarch64" else 2]
        used: tuple[int, ...] = (g.unit.kernel.registers["result"][0], second)
    else:
        used = registers[first : first + words]
    for word in range(words):
        f.store(f.ctx_load(g.ctx, used[word]), f.gep(copy, 8 * word))
    return copy


def place_in_function(g: Generator) -> Value:
    """Bytes from the start of the function to the probed instruction."""
    return g.f.op("lshr", g.f.helper(Helper.GET_ATTACH_COOKIE, [g.ctx]), 32)


def is_outside(g: Generator) -> Value:
    """Whether the function's frame is not made yet, or gone: where it begins or is left.

    The kernel's own return probe, of place 0 as well, has come back to the caller already.
    """
    return g.f.icmp("eq" if g.firing == "uprobe" else "ne", place_in_function(g), 0)


def return_address(g: Generator) -> Value:
    """Where the function returns to, on x86-64 at its first instruction and the leaving ones."""
    return _user_word(g, g.f.ctx_load(g.ctx, g.unit.kernel.registers["sp"][0]), 8)


def function_result(g: Generator, index: int) -> Value:
    """arg0 is where the function is left, from its start; arg1 its value."""
    f = g.f
    if index == 0:
        return place_in_function(g)
    return f.ctx_load(g.ctx, g.unit.kernel.registers["result"][0]) if index == 1 else const(0)


def defined_argument(g: Generator, index: int, span: Span) -> Value:
    """An argument of a statically defined probe, from the place that its note names.

    The places of a probe, and of probes that share a program, may keep it in different
    ones: the cookie tells which place this firing is of.
    """
    if index >= len(g.arguments):
        return const(0)
    numbers: dict[Location, list[int]] = {}
    for number, location in enumerate(g.arguments[index].locations):
        if location is None:
            raise Diagnostic(
                "D_ARGS_TYPE",
                f"argument {index} of this probe is a floating-point number or lies in a "
                "register that a probe cannot read",
                span,
            )
        numbers.setdefault(location, []).append(number)
    if len(numbers) == 1:
        return _read(g, next(iter(numbers)))
    return _read_by_place(g, numbers)


def _read_by_place(g: Generator, numbers: dict[Location, list[int]]) -> Value:
    f = g.f
    place = f.op("lshr", f.helper(Helper.GET_ATTACH_COOKIE, [g.ctx]), 32)
    done = f.block("argument")
    result = f.slot("defined", 8)
    f.store(const(0), result)
    blocks = {location: f.block("place") for location in numbers}
    cases = {number: blocks[loc] for loc, members in numbers.items() for number in members}
    f.switch(place, done, cases)
    for location, label in blocks.items():
        f.at(label)
        f.store(_read(g, location), result)
        f.br(done)
    f.at(done)
    return f.load("i64", result)


def _read(g: Generator, location: Location) -> Value:
    f = g.f
    if location.kind == "constant":
        return const(location.offset)
    base = f.ctx_load(g.ctx, location.register) if location.register >= 0 else const(0)
    if location.kind == "register":
        if location.shift:
            base = f.op("lshr", base, location.shift)
        return _sized(g, base, location)
    if location.index >= 0:
        index = f.ctx_load(g.ctx, location.index)
        bits = 64 - 8 * location.index_size
        if bits:
            index = f.op("shl", index, bits)
            index = f.op("ashr" if location.index_signed else "lshr", index, bits)
        base = f.op("add", base, f.op("mul", index, location.scale))
    if location.offset:
        base = f.op("add", base, location.offset)
    if location.kind == "address":
        return _sized(g, base, location)
    return _sized(g, _user_word(g, base, min(location.size, 8)), location)


def _sized(g: Generator, value: Value, location: Location) -> Value:
    """The low bytes of a word, extended by the argument's sign."""
    f = g.f
    bits = 64 - 8 * min(location.size, 8)
    if not bits:
        return value
    return f.op("ashr" if location.signed else "lshr", f.op("shl", value, bits), bits)


def _user_word(g: Generator, address: Value, size: int) -> Value:
    """Bytes of the process; 0 where its memory cannot be read."""
    f = g.f
    place = f.slot("userword", 8)
    f.store(const(0), place)
    f.helper(Helper.PROBE_READ_USER, [place, const(size), address])
    return f.load("i64", place)
