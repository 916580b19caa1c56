"""Subroutines on memory of the firing and of the process: alloca, bcopy, copyin and its kin."""

from __future__ import annotations

from dscript.lowering import memory
from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.layout import State
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree

# Those that need room on the heap of a firing.
HEAP_USERS = frozenset(("alloca", "copyin", "copyinto", "bcopy"))


def _copyinstr(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """At most `capacity` bytes, or the second argument's number of characters."""
    f = g.f
    address = g.value(call.args[0])
    size: Value = const(capacity)
    if len(call.args) == 2:
        size = _limited(g, call.args[1], capacity)
    result = f.helper(Helper.PROBE_READ_USER_STR, [destination, size, address])
    g.fault_if(f.icmp("slt", result, 0), Fault.BADADDR, address)


def _limited(g: Generator, expr: tree.Expr, most: int) -> Value:
    """A byte count of 1 … `most` for a string of that many characters and its NUL."""
    f = g.f
    wanted = f.op("add", g.value(expr), 1)
    wanted = f.select(f.icmp("ugt", wanted, most), const(most), wanted)
    wanted = f.opaque(wanted)
    low = f.icmp("eq", wanted, 0)
    wanted = f.select(low, const(1), wanted)
    return f.select(f.icmp("ugt", wanted, most), const(most), wanted)


def _heap(g: Generator, size: Value, more: int = 0) -> tuple[Value, Value]:
    """(pointer, checked size) of fresh heap memory; no room is a fault (manual, "alloca").

    The program may also use `more` (at most 1) bytes behind it.
    """
    f = g.f
    room = g.unit.scratch.heap_room
    used = f.load("i64", g.state_at(State.HEAP))
    used = f.op("and", f.op("add", used, 7), -8)
    size = f.opaque(size)
    g.fault_if(f.icmp("ugt", size, room), Fault.NOSCRATCH, size)
    end = f.op("add", used, size)
    g.fault_if(f.icmp("ugt", end, room), Fault.NOSCRATCH, size)
    f.store(f.op("add", end, more) if more else end, g.state_at(State.HEAP))
    # What the verifier is to know of both.
    used, size = f.opaque(used), f.opaque(size)
    g.fault_if(f.icmp("ugt", used, room), Fault.NOSCRATCH, size)
    g.fault_if(f.icmp("ugt", size, room), Fault.NOSCRATCH, size)
    pointer = f.gep(g.scratch_at(g.unit.scratch.heap), used)
    # A string that is not terminated ends with the memory.
    f.store(const(0, "i8"), f.gep(pointer, size), align=1)
    return pointer, size


def _alloca(g: Generator, call: tree.SubroutineCall) -> Value:
    pointer, _ = _heap(g, g.value(call.args[0]))
    return g.address_of(pointer)


def _copyin(g: Generator, call: tree.SubroutineCall) -> Value:
    """User memory copied to scratch; the value is the copy's address.

    The NUL behind it is the program's, too: scripts write it, `text[size] = '\\0'`.
    """
    address = g.value(call.args[0])
    pointer, size = _heap(g, g.value(call.args[1]), more=1)
    _read_user(g, pointer, size, address)
    return g.address_of(pointer)


def _read_user(g: Generator, pointer: Value, size: Value, address: Value) -> None:
    f = g.f
    result = f.helper(Helper.PROBE_READ_USER, [pointer, size, address])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, address)


def _destination(g: Generator, where: Value, size: Value) -> tuple[Value, Value]:
    """Heap memory of this firing that a copy may write, and the size within bounds."""
    f = g.f
    room = g.unit.scratch.heap_room
    heap = g.scratch_at(g.unit.scratch.heap)
    offset = f.opaque(f.op("sub", where, g.address_of(heap)))
    g.fault_if(f.icmp("ugt", offset, room), Fault.BADADDR, where)
    size = f.opaque(size)
    g.fault_if(f.icmp("ugt", size, room), Fault.BADADDR, where)
    used = f.load("i64", g.state_at(State.HEAP))
    g.fault_if(f.icmp("ugt", f.op("add", offset, size), used), Fault.BADADDR, where)
    return f.gep(heap, offset), size


def _copyinto(g: Generator, call: tree.SubroutineCall) -> Value:
    address, size, where = (g.value(arg) for arg in call.args)
    pointer, size = _destination(g, where, size)
    _read_user(g, pointer, size, address)
    return const(0)


def _bcopy(g: Generator, call: tree.SubroutineCall) -> Value:
    source, where, size = (g.value(arg) for arg in call.args)
    f = g.f
    pointer, size = _destination(g, where, size)
    if tree.is_user_pointer(call.args[0].type):
        _read_user(g, pointer, size, source)
        return const(0)
    memory.check_heap(g, source, size)
    result = f.helper(Helper.PROBE_READ_KERNEL, [pointer, size, source])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, source)
    return const(0)


SCALARS: dict[str, Scalar] = {"alloca": _alloca, "copyin": _copyin}
STRINGS: dict[str, StringInto] = {"copyinstr": _copyinstr}
EFFECTS: dict[str, Scalar] = {"copyinto": _copyinto, "bcopy": _bcopy}
