"""Memory at places: addresses, loads and copies out of it; a bad address is a fault."""

from __future__ import annotations

from dscript.dtypes.types import ArrayType, FloatType, StructType, Type
from dscript.lowering.generator import Generator
from dscript.lowering.layout import State, round_up
from dscript.lowering.operands import Place, Str
from dscript.object.helpers import Helper
from dscript.object.values import NULL, Value, const
from dscript.program import Fault
from dscript.semantics import tree


def is_memory(type_: Type) -> bool:
    """Values that are handled by their place: structures, arrays, floating-point numbers."""
    return isinstance(type_.resolve(), (StructType, ArrayType, FloatType))


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
    """A fault for scratch memory that alloca() or copyin() has not given to this firing.

    What runs before the clauses (a derived probe's condition) has none, nor pointers to any.
    """
    room = g.unit.scratch.heap_room
    if not room or g.scratch is NULL:
        return
    f = g.f
    offset = f.op("sub", where, g.address_of(g.scratch_at(g.unit.scratch.heap)))
    beyond = f.icmp("ugt", f.op("add", offset, size), f.load("i64", g.state_at(State.HEAP)))
    inside = f.icmp("ult", offset, 2 * room)
    g.fault_if(f.op("and", inside, beyond), Fault.BADADDR, where)


def copy_into(g: Generator, destination: Value, expr: tree.Expr, size: int) -> None:
    """Copy a structure or array from its place to BPF memory."""
    where = not_null(g, g.place(expr), expr)
    if where.pointer is None:
        read(g, destination, size, where)
    else:
        g.f.memcpy(destination, where.pointer, size, align=1)


def copy_string(g: Generator, source: Str, destination: Value, capacity: int, *, pad: bool) -> None:
    """As much of a string as `capacity` bytes hold; `pad` fills the rest with NULs."""
    f = g.f
    if pad:
        f.memset(destination, capacity)
    f.helper(Helper.PROBE_READ_KERNEL_STR, [destination, const(capacity), source.pointer])
