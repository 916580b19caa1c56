"""Subroutines on tasks: progenyof, and the D library's on numbers and arguments.

The latter take the address of a struct task_struct and read it as kernel memory, so that any
task will do.
"""

from __future__ import annotations

from dscript.errors import Span
from dscript.lowering import following, namespaces
from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.kernel import KernelLayout
from dscript.lowering.namespaces import read_word
from dscript.lowering.steps import shared
from dscript.lowering.threads import COMM_SIZE, read_ids, task, task_pid, task_tid
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.semantics import tree

ARGUMENT_CHARACTERS = 80  # PRARGSZ, manual, chapter "proc Provider"


def _arguments(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """The command line from the process's own memory, or its name where that is another's."""
    where = g.value(call.args[0])
    size = min(capacity, ARGUMENT_CHARACTERS + 1)
    kernel, span = g.unit.kernel, call.span
    function = shared(
        g,
        f"task_arguments_{size}",
        [("text", "ptr"), ("task", "i64")],
        lambda c: _arguments_function(c, kernel, span, size),
    )
    g.f.call(function, [destination, where])


def _arguments_function(c: Function, kernel: KernelLayout, span: Span | None, size: int) -> None:
    text, task = c.params
    named, own, copied = c.block("named"), c.block("own"), c.block("copied")
    # bpf_get_current_task gives the address as a number.
    here = c.helper(Helper.GET_CURRENT_TASK, [])
    member = kernel.offset("task_struct", "mm", span)
    memory = read_word(c, task, member, 8)
    same = c.icmp("eq", memory, read_word(c, here, member, 8))
    c.cbr(c.op("and", same, c.icmp("ne", memory, 0)), own, named)
    c.at(own)
    start = read_word(c, memory, kernel.offset("mm_struct", "arg_start", span), 8)
    end = read_word(c, memory, kernel.offset("mm_struct", "arg_end", span), 8)
    length = c.opaque(c.op("sub", end, start))
    length = c.opaque(c.select(c.icmp("ult", length, size - 1), length, const(size - 1)))
    bounded = c.block("bounded")
    c.cbr(c.icmp("ult", length, size), bounded, named)
    c.at(bounded)
    for at in range(size):
        c.store(const(0, "i8"), c.gep(text, at), align=1)
    result = c.helper(Helper.PROBE_READ_USER, [text, length, start])
    c.cbr(c.icmp("eq", result, 0), copied, named)
    c.at(copied)
    with c.loop(size - 1) as i:
        c.break_if(c.icmp("uge", c.op("add", i, 1), length))
        byte = c.gep(text, i)
        blank, following = c.block("blank"), c.block("following")
        c.cbr(c.icmp("eq", c.load("i8", byte, align=1), const(0, "i8")), blank, following)
        c.at(blank)
        c.store(const(0x20, "i8"), byte, align=1)
        c.br(following)
        c.at(following)
    c.ret(0)
    c.at(named)
    comm = c.op("add", task, kernel.offset("task_struct", "comm", span))
    c.helper(Helper.PROBE_READ_KERNEL_STR, [text, const(min(size, COMM_SIZE)), comm])
    c.ret(0)


def _pid(g: Generator, call: tree.SubroutineCall) -> Value:
    return task_pid(g, g.value(call.args[0]), call.span)


def _tid(g: Generator, call: tree.SubroutineCall) -> Value:
    return task_tid(g, g.value(call.args[0]), call.span)


# ----------------------------------------------------------------------------- ancestors

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


SCALARS: dict[str, Scalar] = {
    "__task_pid": _pid,
    "__task_tid": _tid,
    "progenyof": _progenyof,
}
STRINGS: dict[str, StringInto] = {"__task_arguments": _arguments}
