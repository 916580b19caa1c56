"""Places: where an lvalue lies, and loads and stores of values there."""

from __future__ import annotations

from dscript.dtypes.types import ArrayType, Member, StringType, is_signed
from dscript.lowering import arrays, floats, memory, user_arguments
from dscript.lowering.generator import Generator
from dscript.lowering.operands import Place
from dscript.lowering.threads import task
from dscript.object.helpers import LOCAL_STORAGE_GET_F_CREATE, Helper
from dscript.object.values import NULL, Value, const
from dscript.program import DropKind, Fault, StateLayout
from dscript.semantics import tree


def place(g: Generator, expr: tree.Expr) -> Place:
    """The place of an lvalue, for reading."""
    match expr:
        case tree.VariableRef():
            return variable_place(g, expr.variable)
        case tree.Element():
            return Place(pointer=arrays.element_pointer(g, expr), maybe_null=True)
        case tree.Deref():
            user = tree.is_user_pointer(expr.address.type)
            return Place(address=g.value(expr.address), user=user)
        case tree.ProbeArgument():
            return Place(pointer=user_arguments.structure(g, expr))
        case tree.KernelSymbol():
            return Place(address=const(expr.address))
        case tree.MemberRef():
            base = memory.not_null(g, place(g, expr.base), expr.base)
            return base.moved(g.f, expr.member.offset)
        case tree.IndexRef():
            return _index(g, expr)
        case tree.Conditional():
            chosen = g.f.select  # addresses of structures meet
            condition = g.truth(expr.condition)
            left = memory.address(g, place(g, expr.then))
            right = memory.address(g, place(g, expr.otherwise))
            user = tree.in_user_memory(expr)
            if tree.in_user_memory(expr.otherwise) != user:
                raise g.unsupported("a choice between kernel and user memory", expr.span)
            return Place(address=chosen(condition, left, right), user=user)
        case tree.Comma():
            for item in expr.items[:-1]:
                g.effect(item)
            return place(g, expr.items[-1])
        case tree.Assign():
            g.effect(expr)
            return place(g, expr.target)
        case tree.FloatConst():
            return Place(pointer=floats.constant(g, expr))
    if isinstance(expr.type.resolve(), StringType):
        return Place(pointer=g.string(expr).pointer)
    raise g.unsupported("this operand as an object in memory", expr.span)


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
    return Place(pointer=memory.present(g, base, variable.type.size, layout.self[variable]))


def thread_storage(g: Generator, *, create: bool) -> Value:
    """The thread's block of `self->` variables; NULL when it has none and `create` is off."""
    assert g.unit.layout.self_map is not None
    flags = const(LOCAL_STORAGE_GET_F_CREATE if create else 0)
    args = [g.unit.layout.self_map, task(g), NULL, flags]
    return g.f.helper(Helper.TASK_STORAGE_GET, args, "ptr")


def _index(g: Generator, expr: tree.IndexRef) -> Place:
    base_type = expr.base.type.resolve()
    if isinstance(base_type, StringType):
        return _character(g, expr)
    base = memory.not_null(g, place(g, expr.base), expr.base)
    known = tree.element_count(expr.base) if isinstance(base_type, ArrayType) else None
    index = _subscript(g, expr, known)
    return base.moved(g.f, g.f.op("mul", index, max(1, expr.type.size)))


def _subscript(g: Generator, expr: tree.IndexRef, count: int | None) -> Value:
    """The index; outside of `count` elements, where that is known, it is a fault."""
    index = g.value(expr.index)
    if count and not isinstance(expr.index, tree.Const):
        index = g.f.opaque(index)
        g.fault_if(g.f.icmp("uge", index, count), Fault.BADADDR, index)
    return index


def _character(g: Generator, expr: tree.IndexRef) -> Place:
    """A character of a string, whose memory may be shorter than its type: NUL from there on."""
    f = g.f
    text = g.string(expr.base)
    index = f.opaque(g.value(expr.index))
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
    return memory.load_at(g, where, expr.type)


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
    base = memory.not_null(g, place(g, expr.base), expr.base).moved(g.f, start)
    pointer = base.pointer
    if pointer is None:
        pointer = f.slot("bits", 8)
        memory.read(g, pointer, size, base)
    return _extract(g, _unit(g, expr.member, pointer), shift, bits, is_signed(expr.type))


def _unit(g: Generator, member: Member, pointer: Value) -> Value:
    """The unit around a bit-field as a 64-bit word."""
    size = _bit_field(member)[1]
    unit = g.f.load(f"i{8 * size}", pointer, align=1)
    return unit if size == 8 else g.f.zext(unit, "i64")


def _extract(g: Generator, word: Value, shift: int, bits: int, signed: bool) -> Value:
    word = g.f.op("shl", word, 64 - shift - bits)
    return g.f.op("ashr" if signed else "lshr", word, 64 - bits)


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
            return _through_pointer(g, memory.address(g, place(g, expr)), expr.type.size)
        case tree.MemberRef():
            return writable(g, expr.base).moved(g.f, expr.member.offset)
        case tree.IndexRef():
            base_type = expr.base.type.resolve()
            base = writable(g, expr.base)
            count = base_type.count if isinstance(base_type, ArrayType) else base_type.size
            index = _subscript(g, expr, count)
            return base.moved(g.f, g.f.op("mul", index, max(1, expr.type.size)))
        case tree.Deref():
            return _through_pointer(g, g.value(expr.address), expr.type.size)
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
    if not any(memory.is_memory(variable.type) for variable in g.unit.layout.globals):
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
    memory.check_heap(g, where, const(size))
    return f.gep(g.scratch_at(0), offset)


def store(g: Generator, target: tree.Expr, value: Value) -> None:
    """Write a scalar to an lvalue."""
    store_into(g, target, pointer_to(g, target), value)


def pointer_to(g: Generator, target: tree.Expr) -> Value:
    """Where a scalar lvalue is written: of a bit-field, the unit around it.

    The subscripts in the lvalue are evaluated here, once.
    """
    if isinstance(target, tree.MemberRef) and target.member.bits is not None:
        where = writable(g, target.base).moved(g.f, _bit_field(target.member)[0])
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
