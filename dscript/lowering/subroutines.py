"""Subroutines: dispatch, memory and byte-order ones; string ones are in `string_subroutines`."""

from __future__ import annotations

from dscript.dtypes.types import StringType
from dscript.errors import Span
from dscript.lowering import following, memory, namespaces, speculations
from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.layout import State
from dscript.lowering.threads import read_ids, task
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree


def scalar(g: Generator, call: tree.SubroutineCall) -> Value:
    """The value of a subroutine that gives an integer or a pointer."""
    handler = _SCALARS.get(call.name)
    if handler is not None:
        return handler(g, call)
    from dscript.lowering import locks, string_subroutines

    handler = string_subroutines.SCALARS.get(call.name) or locks.SCALARS.get(call.name)
    if handler is None:
        raise g.unsupported(f"{call.name}( )", call.span)
    return handler(g, call)


def string_into(
    g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int, pad: bool
) -> None:
    """A subroutine that gives a string, computed into `capacity` bytes."""
    handler: StringInto | None
    if call.name == "copyinstr":
        handler = _copyinstr
    else:
        from dscript.lowering.string_subroutines import STRINGS

        handler = STRINGS.get(call.name)
    if handler is None:
        raise g.unsupported(f"{call.name}( )", call.span)
    if pad:
        g.f.memset(destination, capacity)
    handler(g, call, destination, capacity)


def call_for_effect(g: Generator, call: tree.SubroutineCall) -> None:
    from dscript.lowering.writing import EFFECTS

    handler = _EFFECTS.get(call.name) or EFFECTS.get(call.name)
    if handler is not None:
        handler(g, call)
    elif call.type.size and call.name not in _SCALARS:
        if isinstance(call.type.resolve(), StringType):
            g.string(call)
        else:
            scalar(g, call)
    else:
        scalar(g, call)


# ------------------------------------------------------------------------------- memory


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


# -------------------------------------------------------------------------- small things


def _swapped(bits: int) -> Scalar:
    """Network byte order is big-endian, both machines here are little-endian."""

    def swap(g: Generator, call: tree.SubroutineCall) -> Value:
        f = g.f
        narrow = g.value(call.args[0])
        if bits < 64:
            narrow = f.trunc(narrow, f"i{bits}")
        swapped = f.intrinsic(f"llvm.bswap.i{bits}", [narrow], f"i{bits}")
        return swapped if bits == 64 else f.zext(swapped, "i64")

    return swap


def _rand(g: Generator, call: tree.SubroutineCall) -> Value:
    """A pseudo-random int, never negative (manual, "rand")."""
    return g.f.op("and", g.f.helper(Helper.GET_PRANDOM_U32, []), 0x7FFFFFFF)


# dev_t of the kernel: 12 bits of major, 20 of minor (include/linux/kdev_t.h).
_MINOR_BITS = 20


def _getmajor(g: Generator, call: tree.SubroutineCall) -> Value:
    device = g.value(call.args[0])
    return g.f.op("and", g.f.op("lshr", device, _MINOR_BITS), 0xFFF)


def _getminor(g: Generator, call: tree.SubroutineCall) -> Value:
    return g.f.op("and", g.value(call.args[0]), (1 << _MINOR_BITS) - 1)


_ANCESTORS = 32


def _progenyof(g: Generator, call: tree.SubroutineCall) -> Value:
    """1 if the current process or one of its ancestors has that process ID."""
    f = g.f
    number = g.value(call.args[0])
    start = task(g)
    if g.unit.host_pids:
        return _climb(g, start, f.trunc(number, "i32"), call.span)
    inside, plain, done = f.block("pidns"), f.block("initial"), f.block("progenyof")
    f.cbr(f.icmp("eq", g.load_word("pidns_ino"), 0), plain, inside)
    f.at(inside)
    address = g.address_of(start)
    walked = namespaces.is_progeny(g.unit, f, address, number, _ANCESTORS)
    from_inside = f.current
    f.br(done)
    f.at(plain)
    climbed = _climb(g, start, f.trunc(number, "i32"), call.span)
    from_plain = f.current
    f.br(done)
    f.at(done)
    found = f.phi("i64", [(walked, from_inside), (climbed, from_plain)])
    if g.unit.followed is None:
        return found
    process = f.op("lshr", read_ids(g), 32)
    return f.op("or", found, following.descends(g.unit, f, process, number))


def _climb(g: Generator, current: Value, wanted: Value, span: Span) -> Value:
    """The same in the initial namespace, whose numbers the tasks hold."""
    f = g.f
    tgid = g.unit.kernel.offset("task_struct", "tgid", span)
    parent = g.unit.kernel.offset("task_struct", "real_parent", span)
    done = f.block("progeny")
    results: list[tuple[Value, str]] = []
    for _ in range(_ANCESTORS):
        same = f.icmp("eq", f.load("i32", f.gep(current, tgid)), wanted)
        results.append((const(1), f.current))
        more = f.block("parent")
        f.cbr(same, done, more)
        f.at(more)
        current = f.load("ptr", f.gep(current, parent))
    results.append((const(0), f.current))
    f.br(done)
    f.at(done)
    return f.phi("i64", results)


_SCALARS: dict[str, Scalar] = {
    "alloca": _alloca,
    "copyin": _copyin,
    "getmajor": _getmajor,
    "getminor": _getminor,
    "htonl": _swapped(32),
    "htonll": _swapped(64),
    "htons": _swapped(16),
    "ntohl": _swapped(32),
    "ntohll": _swapped(64),
    "ntohs": _swapped(16),
    "progenyof": _progenyof,
    "rand": _rand,
    "speculation": speculations.speculation,
}

_EFFECTS: dict[str, Scalar] = {"copyinto": _copyinto, "bcopy": _bcopy}

HEAP_USERS = frozenset(("alloca", "copyin", "copyinto", "bcopy"))
