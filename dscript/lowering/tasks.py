"""Subroutines of the D library on a struct task_struct: its numbers and its arguments.

They take the task's address and read it as kernel memory, so that any task will do.
"""

from __future__ import annotations

from dscript.errors import Span
from dscript.lowering import expressions
from dscript.lowering.generator import Generator
from dscript.lowering.kernel import KernelLayout
from dscript.lowering.steps import shared
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.semantics import tree

COMM_SIZE = 16  # TASK_COMM_LEN, include/linux/sched.h
ARGUMENT_CHARACTERS = 80  # PRARGSZ, manual, chapter "proc Provider"
_MAX_LEVELS = 8  # PID namespaces in each other that are looked through
_UPID_SIZE = 16  # struct upid, include/linux/pid.h


def task_pid(g: Generator, where: Value, span: Span | None) -> Value:
    """The process number of a task in the tracer's PID namespace; 0 when it is not in it."""
    return _number(g, where, span, process=True)


def task_tid(g: Generator, where: Value, span: Span | None) -> Value:
    return _number(g, where, span, process=False)


def _number(g: Generator, where: Value, span: Span | None, *, process: bool) -> Value:
    kernel = g.unit.kernel
    member = "tgid" if process else "pid"
    f = g.f
    if g.unit.host_pids:
        return _read(f, where, kernel.offset("task_struct", member, span), 4)
    plain, inside, done = f.block("initial"), f.block("pidns"), f.block("number")
    inode = g.load_word("pidns_ino")
    f.cbr(f.icmp("eq", inode, 0), plain, inside)
    f.at(plain)
    simple = _read(f, where, kernel.offset("task_struct", member, span), 4)
    from_plain = f.current
    f.br(done)
    f.at(inside)
    function = shared(
        g,
        f"task_{member}",
        [("task", "i64"), ("inode", "i64")],
        lambda c: _search(c, kernel, span, process),
    )
    found = f.call(function, [where, inode])
    from_inside = f.current
    f.br(done)
    f.at(done)
    return f.phi("i64", [(simple, from_plain), (found, from_inside)])


def _search(c: Function, kernel: KernelLayout, span: Span | None, process: bool) -> None:
    """Go through the numbers that struct pid has, one for each namespace."""
    task, inode = c.params
    if process:
        signal = _read(c, task, kernel.offset("task_struct", "signal", span), 8)
        pids = kernel.offset("signal_struct", "pids", span)
        pid = _read(c, signal, pids + 8, 8)  # PIDTYPE_TGID is 1
    else:
        pid = _read(c, task, kernel.offset("task_struct", "thread_pid", span), 8)
    numbers = kernel.offset("pid", "numbers", span)
    level = _read(c, pid, kernel.offset("pid", "level", span), 4)
    inum = kernel.offset("pid_namespace", "ns.inum", span)
    found = c.block("found")
    with c.loop(_MAX_LEVELS) as i:
        c.break_if(c.icmp("ugt", i, level))
        upid = c.op("add", pid, c.op("add", c.op("mul", i, _UPID_SIZE), numbers))
        here = _read(c, _read(c, upid, kernel.offset("upid", "ns", span), 8), inum, 4)
        more = c.block("more")
        c.cbr(c.icmp("eq", here, inode), found, more)
        c.at(more)
    c.ret(0)
    c.at(found)
    c.ret(_read(c, upid, 0, 4))


def _read(f: Function, where: Value, offset: int, size: int) -> Value:
    """A number in kernel memory; 0 where there is none."""
    place = f.slot("taskword", 8)
    f.store(const(0), place)
    f.helper(Helper.PROBE_READ_KERNEL, [place, const(size), f.op("add", where, offset)])
    return f.load("i64", place)


def _arguments(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """The command line from the process's own memory, or its name where that is another's."""
    where = expressions.value(g, call.args[0])
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
    memory = _read(c, task, member, 8)
    same = c.icmp("eq", memory, _read(c, here, member, 8))
    c.cbr(c.op("and", same, c.icmp("ne", memory, 0)), own, named)
    c.at(own)
    start = _read(c, memory, kernel.offset("mm_struct", "arg_start", span), 8)
    end = _read(c, memory, kernel.offset("mm_struct", "arg_end", span), 8)
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
    return task_pid(g, expressions.value(g, call.args[0]), call.span)


def _tid(g: Generator, call: tree.SubroutineCall) -> Value:
    return task_tid(g, expressions.value(g, call.args[0]), call.span)


SCALARS = {"__task_pid": _pid, "__task_tid": _tid}
STRINGS = {"__task_arguments": _arguments}
