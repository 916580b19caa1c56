"""Process and thread numbers as the tracer's PID namespace has them.

In the initial namespace they are what struct task_struct holds; the choice folds away when
the program is loaded and the load words are known.
"""

from __future__ import annotations

from dscript.errors import Span
from dscript.lowering.generator import Unit, load_word
from dscript.lowering.kernel import KernelLayout
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const

_MAX_LEVELS = 8  # PID namespaces in each other that are looked through
_UPID_SIZE = 16  # struct upid, include/linux/pid.h


def current_ids(unit: Unit, f: Function) -> Value:
    """tgid << 32 | tid of the running thread."""
    inode = load_word(unit, f, "pidns_ino")
    plain, inside, done = f.block("initial"), f.block("pidns"), f.block("ids")
    f.cbr(f.icmp("eq", inode, 0), plain, inside)
    f.at(plain)
    simple = f.helper(Helper.GET_CURRENT_PID_TGID, [])
    f.br(done)
    f.at(inside)
    place = f.slot("nsids", 8)
    f.store(const(0), place)
    device = load_word(unit, f, "pidns_dev")
    f.helper(Helper.GET_NS_CURRENT_PID_TGID, [device, inode, place, const(8)])
    # struct bpf_pidns_info: pid (thread) first, tgid second.
    seen = f.load("i64", place)
    swapped = f.op("or", f.op("shl", seen, 32), f.op("lshr", seen, 32))
    from_inside = f.current
    f.br(done)
    f.at(done)
    return f.phi("i64", [(simple, plain), (swapped, from_inside)])


def task_number(
    unit: Unit, f: Function, where: Value, span: Span | None, *, process: bool
) -> Value:
    """The number of a task's process, or of the task itself, by its address.

    0 when it is not in the tracer's namespace.
    """
    kernel = unit.kernel
    member = "tgid" if process else "pid"
    plain, inside, done = f.block("initial"), f.block("pidns"), f.block("number")
    inode = load_word(unit, f, "pidns_ino")
    f.cbr(f.icmp("eq", inode, 0), plain, inside)
    f.at(plain)
    simple = read_word(f, where, kernel.offset("task_struct", member, span), 4)
    from_plain = f.current
    f.br(done)
    f.at(inside)
    found = f.call(_search_function(unit, span, process=process), [where, inode])
    from_inside = f.current
    f.br(done)
    f.at(done)
    return f.phi("i64", [(simple, from_plain), (found, from_inside)])


def is_progeny(unit: Unit, f: Function, where: Value, wanted: Value, levels: int) -> Value:
    """1 if the task's process or one of its ancestors has a number, inside a namespace."""
    kernel = unit.kernel

    def walk(c: Function) -> None:
        current, number, inode = c.params
        parent = kernel.offset("task_struct", "real_parent", None)
        search = _search_function(unit, None, process=True)
        place = c.slot("ancestor", 8)
        c.store(current, place)
        with c.loop(levels):
            task = c.load("i64", place)
            same, more = c.block("same"), c.block("more")
            c.cbr(c.icmp("eq", c.call(search, [task, inode]), number), same, more)
            c.at(same)
            c.ret(1)
            c.at(more)
            c.store(read_word(c, task, parent, 8), place)

    function = unit.subprogram(
        "is_progeny", [("task", "i64"), ("number", "i64"), ("inode", "i64")], walk
    )
    return f.call(function, [where, wanted, load_word(unit, f, "pidns_ino")])


def _search_function(unit: Unit, span: Span | None, *, process: bool) -> Function:
    return unit.subprogram(
        f"task_{'tgid' if process else 'pid'}",
        [("task", "i64"), ("inode", "i64")],
        lambda c: _search(c, unit.kernel, span, process),
    )


def _search(c: Function, kernel: KernelLayout, span: Span | None, process: bool) -> None:
    """Go through the numbers that struct pid has, one for each namespace."""
    task, inode = c.params
    if process:
        signal = read_word(c, task, kernel.offset("task_struct", "signal", span), 8)
        pids = kernel.offset("signal_struct", "pids", span)
        pid = read_word(c, signal, pids + 8, 8)  # PIDTYPE_TGID is 1
    else:
        pid = read_word(c, task, kernel.offset("task_struct", "thread_pid", span), 8)
    numbers = kernel.offset("pid", "numbers", span)
    level = read_word(c, pid, kernel.offset("pid", "level", span), 4)
    inum = kernel.offset("pid_namespace", "ns.inum", span)
    found = c.block("found")
    with c.loop(_MAX_LEVELS) as i:
        c.break_if(c.icmp("ugt", i, level))
        upid = c.op("add", pid, c.op("add", c.op("mul", i, _UPID_SIZE), numbers))
        here = read_word(c, read_word(c, upid, kernel.offset("upid", "ns", span), 8), inum, 4)
        more = c.block("more")
        c.cbr(c.icmp("eq", here, inode), found, more)
        c.at(more)
    c.ret(0)
    c.at(found)
    c.ret(read_word(c, upid, 0, 4))


def read_word(f: Function, where: Value, offset: int, size: int) -> Value:
    """A number in kernel memory; 0 where there is none."""
    place = f.slot("taskword", 8)
    f.store(const(0), place)
    f.helper(Helper.PROBE_READ_KERNEL, [place, const(size), f.op("add", where, offset)])
    return f.load("i64", place)
