"""Actions: what a clause writes into its record, in place, while it runs."""

from __future__ import annotations

from collections.abc import Callable

from dscript.dtypes.types import ArrayType, StringType, StructType
from dscript.lowering import destructive, floats, memory, speculations, unwinding
from dscript.lowering.generator import Generator
from dscript.lowering.layout import State
from dscript.lowering.operands import Place
from dscript.lowering.records import USER_STRING_HEAD, plain_user_string
from dscript.lowering.threads import read_ids, task
from dscript.lowering.variables import has_stack, own_frames
from dscript.object.helpers import F_USER_STACK, Helper
from dscript.object.values import Value, const
from dscript.program import Activity, Fault, Field, RecordHeader, StateLayout
from dscript.semantics import tree


def action(g: Generator, node: tree.ActionCall) -> None:
    """Carry out the kernel side of an action and fill its fields."""
    g.at(node.span)
    g.action += 1
    special = _SPECIAL.get(node.kind)
    if special is not None:
        special(g, node)
    fields = g.plan.fields.get(id(node))
    if fields is None:
        return
    assert g.record is not None
    packet = node.args[0] if node.kind == "pcap" else None
    for expr, field in zip(node.args, fields, strict=True):
        if expr is packet:
            write_packet(g, node, field, g.f.gep(g.record, field.offset))
            continue
        write(g, expr, field, g.f.gep(g.record, field.offset))
    presence = g.plan.presence.get(id(node))
    if presence is not None:
        g.f.store(const(1, "i8"), g.f.gep(g.record, presence), align=1)


def write(g: Generator, expr: tree.Expr, field: Field, where: Value) -> None:
    """Write one value where its field lies."""
    f = g.f
    type_ = expr.type.resolve()
    if isinstance(expr, tree.StackValue):
        write_stack(g, expr, where, field.size)
    elif isinstance(expr, tree.SymbolValue):
        write_symbol(g, expr, where)
    elif field.kind == "probe":
        f.store(f.load("i64", g.state_at(State.PROBE)), where)
    elif field.kind == "userstring":
        address = plain_user_string(expr)
        assert address is not None
        write_user_string(g, address, where, field.size)
    elif field.kind == "string":
        g.string_into(expr, where, field.size, pad=False)
    elif field.kind == "float":
        floats.write(g, expr, where)
    elif field.kind == "bytes" and not isinstance(type_, (StructType, ArrayType)):
        pointed = Place(address=g.value(expr), user=tree.is_user_pointer(expr.type))
        memory.read(g, where, field.size, pointed)
    elif isinstance(type_, (StructType, ArrayType)):
        memory.copy_into(g, where, expr, field.size)
    else:
        assert not isinstance(type_, StringType)
        f.store(g.value(expr), where)


def write_packet(g: Generator, node: tree.ActionCall, field: Field, where: Value) -> None:
    """The captured bytes of a packet; what is behind them in the field says nothing."""
    f = g.f
    address = g.value(node.args[0])
    # The field's size is a power of two above every length: the mask changes no value.
    length = f.op("and", f.opaque(g.value(node.args[1])), field.size - 1)
    result = f.helper(Helper.PROBE_READ_KERNEL, [where, length, address])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, address)


def write_stack(g: Generator, expr: tree.StackValue, where: Value, size: int) -> None:
    """Frames, 0-padded to `size`; a user stack has its process in front."""
    f = g.f
    user = expr.kind == "ustack"
    f.memset(where, size)
    frames = where
    if user:
        write_process(g, where)
        frames = f.gep(where, 8)
    if not has_stack(g):
        return
    if user and unwinding.available(g):
        unwinding.write(g, frames, expr.frames)
        return
    flags = F_USER_STACK if user else own_frames(g)
    f.helper(Helper.GET_STACK, [g.ctx, frames, const(8 * expr.frames), const(flags)])


def write_user_string(g: Generator, text: tree.Expr, where: Value, size: int) -> None:
    """The string at a user address into the record; user space fills in what is not in memory.

    A tracing program may not fault pages in.  Pages that nobody has touched yet hold what
    their file holds, so the text is the same a moment later.  Where the process has nothing
    mapped at the address, it is a fault at once.
    """
    f = g.f
    address = g.value(text)
    f.store(const(0), where)
    f.store(const(0), f.gep(where, 8))
    room = const(size - USER_STRING_HEAD)
    copy = f.gep(where, USER_STRING_HEAD)
    result = f.helper(Helper.PROBE_READ_USER_STR, [copy, room, address])
    later, done = f.block("later"), f.block("copied")
    f.cbr(f.icmp("slt", result, 0), later, done)
    f.at(later)
    g.fault_if(f.icmp("ne", _find_mapping(g, address), 0), Fault.BADADDR, address)
    f.store(address, where)
    f.store(f.trunc(f.op("lshr", read_ids(g), 32), "i32"), f.gep(where, 8))
    f.store(const(g.action, "i32"), f.gep(where, 12))
    f.br(done)
    f.at(done)


def _find_mapping(g: Generator, address: Value) -> Value:
    """0 when the process has a mapping there (bpf_find_vma)."""
    unit = g.unit
    callback = unit.helpers.get("mapping_found")
    if callback is None:
        params = [("task", "ptr"), ("vma", "ptr"), ("data", "ptr")]
        callback = unit.helpers["mapping_found"] = unit.module.function("mapping_found", params)
        callback.ret(0)
    data = g.f.slot("vma", 8)
    g.f.store(const(0), data)
    args = [task(g), address, callback.value, data, const(0)]
    return g.f.helper(Helper.FIND_VMA, args)


def write_process(g: Generator, where: Value) -> None:
    """u32 tgid of the initial namespace, u32 pid as the tracer sees it."""
    f = g.f
    tgid = f.op("lshr", f.helper(Helper.GET_CURRENT_PID_TGID, []), 32)
    pid = f.op("lshr", read_ids(g), 32)
    f.store(f.trunc(tgid, "i32"), where)
    f.store(f.trunc(pid, "i32"), f.gep(where, 4))


def write_symbol(g: Generator, expr: tree.SymbolValue, where: Value) -> None:
    address = g.value(expr.address)
    if expr.kind.startswith("u"):
        write_process(g, where)
        where = g.f.gep(where, 8)
    g.f.store(address, where)


# --------------------------------------------------------------------------- with effects


def _exit(g: Generator, node: tree.ActionCall) -> None:
    """From here on no other probe fires; the rest of this clause still runs."""
    draining = const(int(Activity.DRAINING))
    g.f.store(draining, g.bss(StateLayout.ACTIVITY), volatile=True)
    g.exits = True


_SPECIAL: dict[str, Callable[[Generator, tree.ActionCall], None]] = {
    "exit": _exit,
    "raise": destructive.raise_signal,
    "stop": destructive.stop,
    "chill": destructive.chill,
    "speculate": speculations.speculate,
    "commit": speculations.settle(RecordHeader.COMMIT),
    "discard": speculations.settle(RecordHeader.DISCARD),
}
