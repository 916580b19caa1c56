"""Strings: always NUL-terminated within a known capacity, in BPF memory."""

from __future__ import annotations

from dscript.dtypes.types import ArrayType, StringType
from dscript.lowering import memory
from dscript.lowering.generator import Generator
from dscript.lowering.layout import round_up
from dscript.lowering.operands import Str
from dscript.lowering.probes import PARTS, probe_string
from dscript.lowering.steps import Words, shared, steps, words
from dscript.lowering.subroutines import string_into
from dscript.lowering.threads import COMM_SIZE, task
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree

# Bytes up to which a comparison is a plain loop; longer ones pile up branches for the verifier.
_UNROLLED = 20


def value(g: Generator, expr: tree.Expr) -> Str:
    """A string expression, in place where it already lies in memory."""
    match expr:
        case tree.Text():
            return Str(g.unit.module.string(expr.value), len(expr.value) + 1, expr.value)
        case tree.VariableRef() | tree.Element():
            where = memory.not_null(g, g.place(expr), expr)
            assert where.pointer is not None
            return Str(where.pointer, expr.type.size)
        case tree.Builtin() if expr.name in PARTS:
            pointer, capacity = probe_string(g, expr.name)
            return Str(pointer, capacity)
        case tree.Assign():
            g.effect(expr)
            return value(g, expr.target)
        case tree.Comma():
            for item in expr.items[:-1]:
                g.effect(item)
            return value(g, expr.items[-1])
        case tree.ToString() if isinstance(expr.operand.type.resolve(), StringType):
            return value(g, expr.operand)
        case tree.MemberRef() | tree.IndexRef() | tree.Deref() | tree.KernelSymbol():
            return _member(g, expr)
    capacity = round_up(tree.capacity(expr))
    pointer = g.temporary_at(capacity)
    into(g, expr, pointer, capacity, pad=False)
    return Str(pointer, capacity)


def _member(g: Generator, expr: tree.Expr) -> Str:
    """A string inside a structure or an array, or behind a pointer."""
    where = memory.not_null(g, g.place(expr), expr)
    capacity = expr.type.size
    if where.pointer is not None:
        return Str(where.pointer, capacity)
    assert where.address is not None
    pointer = g.temporary_at(capacity)
    read = Helper.PROBE_READ_USER_STR if where.user else Helper.PROBE_READ_KERNEL_STR
    result = g.f.helper(read, [pointer, const(capacity), where.address])
    g.fault_if(g.f.icmp("slt", result, 0), Fault.BADADDR, where.address)
    return Str(pointer, capacity)


def into(g: Generator, expr: tree.Expr, destination: Value, capacity: int, *, pad: bool) -> None:
    """Compute a string straight into `capacity` bytes; `pad` fills the rest with NULs.

    Keys must be padded, because the kernel compares all their bytes.
    """
    match expr:
        case tree.Text():
            data = expr.value[: capacity - 1] + b"\0"
            size = round_up(len(data)) if pad or len(data) < capacity else len(data)
            size = min(size, capacity)
            source = g.unit.module.data(data.ljust(size, b"\0"))
            g.f.memcpy(destination, source, size)
            if pad and capacity > size:
                g.f.memset(g.f.gep(destination, size), capacity - size)
        case tree.Builtin(name="execname"):
            _comm(g, destination, capacity, pad)
        case tree.ToString() if not isinstance(expr.operand.type.resolve(), StringType):
            _from_memory(g, expr, destination, capacity, pad)
        case tree.SubroutineCall():
            string_into(g, expr, destination, capacity, pad)
        case tree.Conditional():
            _conditional(g, expr, destination, capacity, pad)
        case _:
            memory.copy_string(g, value(g, expr), destination, capacity, pad=pad)


def _comm(g: Generator, destination: Value, capacity: int, pad: bool) -> None:
    """The kernel pads `comm` with NULs (set_task_comm): two loads copy it."""
    f = g.f
    limit = min(capacity, g.unit.program.strsize)
    if limit < COMM_SIZE or not g.unit.kernel.has("task_struct", "comm"):
        if pad and limit < min(capacity, COMM_SIZE):
            f.memset(destination, min(capacity, COMM_SIZE))
        f.helper(Helper.GET_CURRENT_COMM, [destination, const(min(limit, COMM_SIZE))])
    else:
        comm = f.gep(task(g), g.unit.kernel.offset("task_struct", "comm", None))
        first = f.opaque(f.load("i64", comm))
        second = f.opaque(f.load("i64", f.gep(comm, 8)))
        f.store(first, destination)
        f.store(second, f.gep(destination, 8))
    if pad and capacity > COMM_SIZE:
        f.memset(f.gep(destination, COMM_SIZE), capacity - COMM_SIZE)


def _from_memory(
    g: Generator, expr: tree.ToString, destination: Value, capacity: int, pad: bool
) -> None:
    """`stringof(pointer)`: kernel or user memory, up to a NUL or the capacity."""
    f = g.f
    operand = expr.operand
    limit = capacity
    user = tree.is_user_pointer(operand.type)
    if isinstance(operand.type.resolve(), ArrayType):
        user = tree.in_user_memory(operand)
        where = memory.address(g, memory.not_null(g, g.place(operand), operand))
        size = operand.type.size
        limit = min(capacity, size + 1) if size else capacity
    else:
        where = g.value(operand)
    if pad:
        f.memset(destination, capacity)
    read = Helper.PROBE_READ_USER_STR if user else Helper.PROBE_READ_KERNEL_STR
    result = f.helper(read, [destination, const(limit), where])
    g.fault_if(f.icmp("slt", result, 0), Fault.BADADDR, where)


def _conditional(
    g: Generator, expr: tree.Conditional, destination: Value, capacity: int, pad: bool
) -> None:
    f = g.f
    condition = g.truth(expr.condition)
    then, otherwise, done = f.block("then"), f.block("else"), f.block("chosen")
    f.cbr(condition, then, otherwise)
    f.at(then)
    into(g, expr.then, destination, capacity, pad=pad)
    f.br(done)
    f.at(otherwise)
    into(g, expr.otherwise, destination, capacity, pad=pad)
    f.br(done)
    f.at(done)


# ------------------------------------------------------------------------------ compare


def compare(g: Generator, op: str, left: tree.Expr, right: tree.Expr) -> Value:
    """An i1.  Against a literal the kernel's own strncmp does it."""
    flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    if isinstance(left, tree.Text) and not isinstance(right, tree.Text):
        left, right, op = right, left, flipped.get(op, op)
    f = g.f
    a = value(g, left)
    b = value(g, right)
    if isinstance(left, tree.Text) and isinstance(right, tree.Text):
        x, y = left.value.partition(b"\0")[0], right.value.partition(b"\0")[0]
        truth = {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}
        return const(int(truth[op]), "i1")
    if b.literal is not None:
        result = _against_literal(g, a, b)
    else:
        result = _compare_memory(g, a, b)
    predicates = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
    return f.icmp(predicates[op], result, 0)


def _against_literal(g: Generator, a: Str, b: Str) -> Value:
    f = g.f
    assert b.literal is not None
    text = b.literal.partition(b"\0")[0]
    if not text:
        first = f.load("i8", a.pointer, align=1)
        return f.zext(first, "i64")
    pointer = a.pointer
    if a.capacity <= len(text):
        # bpf_strncmp reads as many bytes as the literal has: give it a padded copy.
        pointer = g.temporary_at(round_up(len(text) + 1))
        f.memset(pointer, round_up(len(text) + 1))
        f.helper(Helper.PROBE_READ_KERNEL_STR, [pointer, const(a.capacity), a.pointer])
    size = const(len(text) + 1)
    result = f.helper(Helper.STRNCMP, [pointer, size, b.pointer])
    return f.sext(f.trunc(result, "i32"), "i64")


def _compare_memory(g: Generator, a: Str, b: Str) -> Value:
    """Byte by byte up to the first difference or NUL: a subprogram shared by all."""
    # One byte more than the shorter one takes shows that the other goes on.
    limit = min(a.capacity, b.capacity) + 1
    left, right = bounded(g, a, limit), bounded(g, b, limit)
    if limit <= _UNROLLED:
        function = shared(
            g,
            f"compare_strings_{limit}",
            [("a", "ptr"), ("b", "ptr")],
            lambda f: _build_short_comparison(f, limit),
        )
        return g.f.call(function, [left, right])
    state = words(g, difference=0)
    function = shared(
        g,
        f"compare_strings_{limit}",
        [("a", "ptr"), ("b", "ptr"), ("state", "ptr")],
        lambda f: _build_comparison(f, limit),
    )
    g.f.call(function, [left, right, state.base])
    return state["difference"]


def bounded(g: Generator, text: Str, capacity: int) -> Value:
    """A pointer from which `capacity` bytes may be read whatever path led here."""
    pointer = g.temporary_at(round_up(capacity))
    g.f.helper(Helper.PROBE_READ_KERNEL_STR, [pointer, const(capacity), text.pointer])
    return pointer


def _build_short_comparison(c: Function, limit: int) -> None:
    """A plain loop, which the verifier follows step by step at every call."""
    a, b = c.params
    different = c.block("different")
    with c.loop(limit) as i:
        x = c.zext(c.load("i8", c.gep(a, i), align=1), "i64")
        y = c.zext(c.load("i8", c.gep(b, i), align=1), "i64")
        delta = c.op("sub", x, y)
        same, more = c.block("same"), c.block("more")
        c.cbr(c.icmp("ne", delta, 0), different, same)
        c.at(same)
        c.cbr(c.icmp("eq", x, 0), c.break_label, more)
        c.at(more)
    c.ret(0)
    c.at(different)
    c.ret(delta)


def _build_comparison(f: Function, limit: int) -> None:
    a, b, base = f.params
    state = Words(f, base, ("difference",))
    with steps(f, f"{f.name}_step", limit, state, a=a, b=b) as s:
        c = s.f
        x, y = s.byte("a", s.index, limit), s.byte("b", s.index, limit)
        delta = c.op("sub", x, y)
        s.words["difference"] = delta
        s.stop_if(c.icmp("ne", delta, 0))
        s.stop_if(c.icmp("eq", x, 0))
