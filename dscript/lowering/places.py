"""Places: where an lvalue lies, and loads and stores of values there."""

from __future__ import annotations

from dataclasses import dataclass

from dscript.dtypes.types import (
    ArrayType,
    FloatType,
    Member,
    StringType,
    StructType,
    Type,
    is_integral,
    is_scalar,
    is_signed,
)
from dscript.errors import Span
from dscript.lowering import arrays, expressions, floats, strings, user_arguments
from dscript.lowering.generator import Generator
from dscript.lowering.layout import State, round_up
from dscript.object.helpers import LOCAL_STORAGE_GET_F_CREATE, Helper
from dscript.object.values import NULL, Value, const
from dscript.program import DropKind, Fault, StateLayout
from dscript.semantics import tree


@dataclass(slots=True)
class Place:
    """`pointer` for BPF memory, else `address` in the kernel or, with `user`, in the process.

    `maybe_null` says that the pointer must be tested before use (an absent element).
    """

    pointer: Value | None = None
    address: Value | None = None
    maybe_null: bool = False
    user: bool = False

    def moved(self, g: Generator, offset: int | Value) -> Place:
        if self.pointer is not None:
            return Place(pointer=g.f.gep(self.pointer, offset), maybe_null=self.maybe_null)
        assert self.address is not None
        return Place(address=g.f.op("add", self.address, offset), user=self.user)


def place(g: Generator, expr: tree.Expr) -> Place:
    """The place of an lvalue, for reading."""
    match expr:
        case tree.VariableRef():
            return variable_place(g, expr.variable)
        case tree.Element():
            return Place(pointer=arrays.element_pointer(g, expr), maybe_null=True)
        case tree.Deref():
            user = tree.is_user_pointer(expr.address.type)
            return Place(address=expressions.value(g, expr.address), user=user)
        case tree.ProbeArgument():
            return Place(pointer=user_arguments.structure(g, expr))
        case tree.KernelSymbol():
            return Place(address=const(expr.address))
        case tree.MemberRef():
            base = not_null(g, place(g, expr.base), expr.base)
            return base.moved(g, expr.member.offset)
        case tree.IndexRef():
            return _index(g, expr)
        case tree.Conditional():
            chosen = g.f.select  # addresses of structures meet
            condition = expressions.truth(g, expr.condition)
            left = address(g, place(g, expr.then))
            right = address(g, place(g, expr.otherwise))
            user = tree.in_user_memory(expr)
            if tree.in_user_memory(expr.otherwise) != user:
                raise g.unsupported("a choice between kernel and user memory", expr.span)
            return Place(address=chosen(condition, left, right), user=user)
        case tree.Comma():
            for item in expr.items[:-1]:
                expressions.effect(g, item)
            return place(g, expr.items[-1])
        case tree.Assign():
            expressions.assign(g, expr)
            return place(g, expr.target)
        case tree.FloatConst():
            return Place(pointer=floats.constant(g, expr))
    if isinstance(expr.type.resolve(), StringType):
        return Place(pointer=strings.value(g, expr).pointer)
    raise g.unsupported("this operand as an object in memory", expr.span)


def address(g: Generator, where: Place) -> Value:
    """The address of a place as a number."""
    if where.address is not None:
        return where.address
    assert where.pointer is not None
    return g.address_of(where.pointer)


def not_null(g: Generator, where: Place, expr: tree.Expr) -> Place:
    """For a place that may be absent: zeros stand in for it."""
    if not where.maybe_null:
        return where
    assert where.pointer is not None
    return Place(pointer=present(g, where.pointer, expr.type.size))


def present(g: Generator, pointer: Value, size: int, offset: int = 0) -> Value:
    """`pointer` moved by `offset`, or `size` bytes of zeros where it is NULL; for reading."""
    f = g.f
    before = f.current
    some, done = f.block("some"), f.block("present")
    f.cbr(f.icmp("eq", pointer, NULL), done, some)
    f.at(some)
    moved = f.gep(pointer, offset)
    f.br(done)
    f.at(done)
    zeros = g.unit.module.data(bytes(round_up(max(1, size))))
    return f.phi("ptr", [(zeros, before), (moved, some)])


def variable_place(g: Generator, variable: tree.Variable) -> Place:
    """Where a variable lies, for reading; a `self->` one may be zeros of nobody's."""
    layout = g.unit.layout
    if variable in layout.globals:
        return Place(pointer=g.bss(layout.globals[variable]))
    if variable in layout.this:
        return Place(pointer=g.state_at(layout.this[variable]))
    if variable in layout.this_in_scratch:
        return Place(pointer=g.scratch_at(layout.this_in_scratch[variable]))
    base = thread_storage(g, create=False)
    return Place(pointer=present(g, base, variable.type.size, layout.self[variable]))


def thread_storage(g: Generator, *, create: bool) -> Value:
    """The thread's block of `self->` variables; NULL when it has none and `create` is off."""
    from dscript.lowering.variables import task

    assert g.unit.layout.self_map is not None
    flags = const(LOCAL_STORAGE_GET_F_CREATE if create else 0)
    args = [g.unit.layout.self_map, task(g), NULL, flags]
    return g.f.helper(Helper.TASK_STORAGE_GET, args, "ptr")


def _index(g: Generator, expr: tree.IndexRef) -> Place:
    base_type = expr.base.type.resolve()
    if isinstance(base_type, StringType):
        return _character(g, expr)
    base = not_null(g, place(g, expr.base), expr.base)
    known = tree.element_count(expr.base) if isinstance(base_type, ArrayType) else None
    index = _subscript(g, expr, known)
    return base.moved(g, g.f.op("mul", index, max(1, expr.type.size)))


def _subscript(g: Generator, expr: tree.IndexRef, count: int | None) -> Value:
    """The index; outside of `count` elements, where that is known, it is a fault."""
    index = expressions.value(g, expr.index)
    if count and not isinstance(expr.index, tree.Const):
        index = g.f.opaque(index)
        g.fault_if(g.f.icmp("uge", index, count), Fault.BADADDR, index)
    return index


def _character(g: Generator, expr: tree.IndexRef) -> Place:
    """A character of a string, whose memory may be shorter than its type: NUL from there on."""
    f = g.f
    text = strings.value(g, expr.base)
    index = f.opaque(expressions.value(g, expr.index))
    size = expr.base.type.size
    g.fault_if(f.icmp("uge", index, size), Fault.BADADDR, index)
    if text.capacity < size:
        index = f.opaque(
            f.select(f.icmp("ult", index, text.capacity), index, const(text.capacity - 1))
        )
    return Place(pointer=f.gep(text.pointer, index))


# ------------------------------------------------------------------------------- reading


def load(g: Generator, expr: tree.Expr) -> Value:
    """The scalar at an lvalue."""
    if isinstance(expr, tree.MemberRef) and expr.member.bits is not None:
        return _load_bits(g, expr)
    if isinstance(expr, tree.VariableRef) and expr.variable.scope == "self":
        return _load_or_zero(g, _self_base(g), expr)
    where = place(g, expr)
    if where.maybe_null:
        assert where.pointer is not None
        return _load_or_zero(g, where.pointer, expr)
    return load_at(g, where, expr.type)


def _self_base(g: Generator) -> Value:
    return thread_storage(g, create=False)


def _load_or_zero(g: Generator, pointer: Value, expr: tree.Expr) -> Value:
    f = g.f
    offset = 0
    if isinstance(expr, tree.VariableRef):
        offset = g.unit.layout.self[expr.variable]
    before = f.current
    some, done = f.block("some"), f.block("value")
    f.cbr(f.icmp("eq", pointer, NULL), done, some)
    f.at(some)
    loaded = g.load_int(f.gep(pointer, offset), expr.type)
    f.br(done)
    f.at(done)
    return f.phi("i64", [(const(0), before), (loaded, some)])


def load_at(g: Generator, where: Place, type_: Type) -> Value:
    if where.pointer is not None:
        return g.load_int(where.pointer, type_)
    assert where.address is not None
    buffer = g.f.slot("read", 8)
    read(g, buffer, type_.size, where)
    return g.load_int(buffer, type_)


def read(g: Generator, buffer: Value, size: int, where: Place) -> None:
    """Copy from a place that has an address; a bad one is a fault."""
    assert where.address is not None
    if where.user:
        read_user(g, buffer, size, where.address)
    else:
        read_kernel(g, buffer, size, where.address)


def read_user(g: Generator, buffer: Value, size: int, where: Value) -> None:
    """Copy memory of the process; a bad address is a fault."""
    helper = Helper.COPY_FROM_USER if g.may_wait else Helper.PROBE_READ_USER
    result = g.f.helper(helper, [buffer, const(size), where])
    g.fault_if(g.f.icmp("ne", result, 0), Fault.BADADDR, where)


def read_kernel(g: Generator, buffer: Value, size: int, where: Value) -> None:
    """Copy kernel memory; a bad address is a fault."""
    f = g.f
    check_heap(g, where, const(size))
    result = f.helper(Helper.PROBE_READ_KERNEL, [buffer, const(size), where])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, where)


def check_heap(g: Generator, where: Value, size: Value) -> None:
    """A fault for scratch memory that alloca() or copyin() has not given to this firing."""
    room = g.unit.scratch.heap_room
    if not room:
        return
    f = g.f
    offset = f.op("sub", where, g.address_of(g.scratch_at(g.unit.scratch.heap)))
    beyond = f.icmp("ugt", f.op("add", offset, size), f.load("i64", g.state_at(State.HEAP)))
    inside = f.icmp("ult", offset, 2 * room)
    g.fault_if(f.op("and", inside, beyond), Fault.BADADDR, where)


def _bit_field(member: Member) -> tuple[int, int, int, int]:
    """(byte offset, bytes to read, shift, bits) of the smallest aligned unit around it."""
    assert member.bits is not None
    for size in (1, 2, 4, 8):
        start = member.bit_offset // (8 * size) * size
        shift = member.bit_offset - 8 * start
        if shift + member.bits <= 8 * size:
            return start, size, shift, member.bits
    raise AssertionError(member)


def _load_bits(g: Generator, expr: tree.MemberRef) -> Value:
    f = g.f
    start, size, shift, bits = _bit_field(expr.member)
    base = not_null(g, place(g, expr.base), expr.base).moved(g, start)
    pointer = base.pointer
    if pointer is None:
        pointer = f.slot("bits", 8)
        read(g, pointer, size, base)
    return _extract(g, _unit(g, expr.member, pointer), shift, bits, is_signed(expr.type))


def _unit(g: Generator, member: Member, pointer: Value) -> Value:
    """The unit around a bit-field as a 64-bit word."""
    size = _bit_field(member)[1]
    unit = g.f.load(f"i{8 * size}", pointer, align=1)
    return unit if size == 8 else g.f.zext(unit, "i64")


def _extract(g: Generator, word: Value, shift: int, bits: int, signed: bool) -> Value:
    word = g.f.op("shl", word, 64 - shift - bits)
    return g.f.op("ashr" if signed else "lshr", word, 64 - bits)


def copy_into(g: Generator, destination: Value, expr: tree.Expr, size: int) -> None:
    """Copy a structure or array from its place to BPF memory."""
    where = not_null(g, place(g, expr), expr)
    if where.pointer is None:
        read(g, destination, size, where)
    else:
        g.f.memcpy(destination, where.pointer, size, align=1)


# ------------------------------------------------------------------------------- writing


def writable(g: Generator, expr: tree.Expr) -> Place:
    """The place of an lvalue that is written; `self->` storage is made when absent."""
    match expr:
        case tree.VariableRef():
            if expr.variable.scope != "self":
                return variable_place(g, expr.variable)
            f = g.f
            storage = thread_storage(g, create=True)
            have, none = f.block("storage"), f.block("nostorage")
            f.cbr(f.icmp("eq", storage, NULL), none, have)
            f.at(none)
            g.count_drop(DropKind.DYNAMIC)
            f.br(g.skip_label)
            f.at(have)
            return Place(pointer=f.gep(storage, g.unit.layout.self[expr.variable]))
        case tree.MemberRef() | tree.IndexRef() if _is_behind_pointer(expr):
            return _through_pointer(g, address(g, place(g, expr)), expr.type.size)
        case tree.MemberRef():
            return writable(g, expr.base).moved(g, expr.member.offset)
        case tree.IndexRef():
            base_type = expr.base.type.resolve()
            base = writable(g, expr.base)
            count = base_type.count if isinstance(base_type, ArrayType) else base_type.size
            index = _subscript(g, expr, count)
            return base.moved(g, g.f.op("mul", index, max(1, expr.type.size)))
        case tree.Deref():
            return _through_pointer(g, expressions.value(g, expr.address), expr.type.size)
        case tree.Element():
            return Place(pointer=arrays.element_for_write(g, expr))
    raise g.unsupported("assignment to this operand", expr.span)


def _is_behind_pointer(expr: tree.Expr) -> bool:
    while isinstance(expr, (tree.MemberRef, tree.IndexRef)):
        expr = expr.base
    return isinstance(expr, tree.Deref)


def _through_pointer(g: Generator, where: Value, size: int) -> Place:
    """Memory that a program may write by address; anything else is a fault.

    That is what alloca(), copyin() and `&` of a clause-local variable gave to this firing, and
    the global variables, where one of them is an array or a structure.
    """
    f = g.f
    if not any(is_memory(variable.type) for variable in g.unit.layout.globals):
        return Place(pointer=_scratch_behind(g, where, size))
    offset = f.op("sub", where, g.address_of(g.bss(StateLayout.END)))
    offset = f.opaque(offset)
    room = g.unit.layout.bss_size - StateLayout.END - size
    ours, other, done = f.block("global"), f.block("scratch"), f.block("writable")
    f.cbr(f.icmp("ule", offset, room), ours, other)
    f.at(ours)
    in_global = f.gep(g.bss(StateLayout.END), offset)
    from_global = f.current
    f.br(done)
    f.at(other)
    in_scratch = _scratch_behind(g, where, size)
    from_scratch = f.current
    f.br(done)
    f.at(done)
    return Place(pointer=f.phi("ptr", [(in_global, from_global), (in_scratch, from_scratch)]))


def _scratch_behind(g: Generator, where: Value, size: int) -> Value:
    f = g.f
    base = g.address_of(g.scratch_at(0))
    offset = f.opaque(f.op("sub", where, base))
    limit = g.unit.scratch.temporaries - size
    if limit < 0:  # the program has no such memory
        g.fault(Fault.BADADDR, where)
        f.at(f.block("never"))
        return g.scratch_at(0)
    g.fault_if(f.icmp("ugt", offset, limit), Fault.BADADDR, where)
    check_heap(g, where, const(size))
    return f.gep(g.scratch_at(0), offset)


def store(g: Generator, target: tree.Expr, value: Value) -> None:
    """Write a scalar to an lvalue."""
    store_into(g, target, pointer_to(g, target), value)


def pointer_to(g: Generator, target: tree.Expr) -> Value:
    """Where a scalar lvalue is written: of a bit-field, the unit around it.

    The subscripts in the lvalue are evaluated here, once.
    """
    if isinstance(target, tree.MemberRef) and target.member.bits is not None:
        where = writable(g, target.base).moved(g, _bit_field(target.member)[0])
    else:
        where = writable(g, target)
    assert where.pointer is not None
    return where.pointer


def load_from(g: Generator, target: tree.Expr, pointer: Value) -> Value:
    """The scalar that an lvalue has, from its `pointer_to`."""
    if isinstance(target, tree.MemberRef) and target.member.bits is not None:
        unit, (_, _, shift, bits) = _unit(g, target.member, pointer), _bit_field(target.member)
        return _extract(g, unit, shift, bits, is_signed(target.type))
    return g.load_int(pointer, target.type)


def kept(g: Generator, target: tree.Expr, value: Value) -> Value:
    """What an lvalue of `value`'s type has after the assignment: a bit-field cuts it."""
    if not isinstance(target, tree.MemberRef) or target.member.bits is None:
        return value
    return _extract(g, value, 0, target.member.bits, is_signed(target.type))


def store_into(g: Generator, target: tree.Expr, pointer: Value, value: Value) -> None:
    """Write a scalar at the `pointer_to` of its lvalue."""
    if not isinstance(target, tree.MemberRef) or target.member.bits is None:
        g.store_int(value, pointer, target.type.size)
        return
    f = g.f
    _, size, shift, bits = _bit_field(target.member)
    word = _unit(g, target.member, pointer)
    mask = ((1 << bits) - 1) << shift
    new = f.op("and", f.op("shl", value, shift), mask)
    word = f.op("or", f.op("and", word, ~mask), new)
    f.store(word if size == 8 else f.trunc(word, f"i{8 * size}"), pointer, align=1)


def is_memory(type_: Type) -> bool:
    """Values that are handled by their place: structures, arrays, floating-point numbers."""
    return isinstance(type_.resolve(), (StructType, ArrayType, FloatType))


__all__ = ["Place", "Span", "is_integral", "is_scalar", "load", "place", "store", "writable"]
