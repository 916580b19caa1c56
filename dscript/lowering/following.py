"""Which processes descend from the targets: a map that fork and exit keep up to date.

The map holds, for each such process, the target that it descends from; both by their number
in the tracer's PID namespace.  The runtime puts in the targets, and the children that they
have already, before probes fire; a child is in it before its first instruction.  It serves
the option follow, whose probes fire in every process and ask the map, and
progenyof($target): when a parent ends, its children get another one, so that their
ancestors cannot be told from the kernel's tree any more.
"""

from __future__ import annotations

from collections.abc import Mapping

from dscript import options as d_options
from dscript.lowering.generator import Unit, count_drop
from dscript.lowering.namespaces import current_ids, read_word, task_number
from dscript.object.function import Function
from dscript.object.helpers import F_NO_PREALLOC, Helper, MapType
from dscript.object.values import NULL, Value, const
from dscript.program import FOLLOW_PROGRAM, FOLLOWED_MAP, Attachment, DropKind
from dscript.semantics import tree
from dscript.semantics.walk import walk_program

_MOST_PROCESSES = 65_536
_BPF_ANY = 0


def declare(unit: Unit, program: tree.Program, options: Mapping[str, str]) -> None:
    """Add the map where the program needs it."""
    unit.follow = d_options.flag(options, "follow") and any(
        place.pid for clause in program.clauses for point in clause.points
        for place in point.attach.places
    )  # fmt: skip
    if unit.follow or any(map(_is_progeny_of_target, walk_program(program))):
        unit.followed = unit.module.map(
            FOLLOWED_MAP, MapType.HASH, 4, 4, _MOST_PROCESSES, F_NO_PREALLOC
        )


def _is_progeny_of_target(node: object) -> bool:
    if not isinstance(node, tree.SubroutineCall) or node.name != "progenyof":
        return False
    number = node.args[0]
    while isinstance(number, tree.Convert):
        number = number.operand
    return isinstance(number, tree.LoadWord) and number.name == "target"


def fork_program(unit: Unit) -> Attachment:
    """A new process is followed if its parent is.

    Arguments of sched_process_fork (include/trace/events/sched.h): parent, child.
    """
    f = unit.module.function(FOLLOW_PROGRAM, [("ctx", "ptr")], section="raw_tp/sched_process_fork")
    leave = f.block("leave")
    parent, child = f.ctx_load(f.params[0], 0), f.ctx_load(f.params[0], 8)
    group = unit.kernel.offset("task_struct", "group_leader", None)
    process, known, full = f.block("process"), f.block("known"), f.block("full")
    # A thread's leader is another task.
    f.cbr(f.icmp("eq", read_word(f, child, group, 8), child), process, leave)
    f.at(process)
    entry = _lookup(unit, f, task_number(unit, f, parent, None, process=True))
    f.cbr(f.icmp("eq", entry, NULL), leave, known)
    f.at(known)
    key, value = f.slot("process", 4, 4), f.slot("root", 4, 4)
    f.store(f.load("i32", entry), value)
    f.store(f.trunc(task_number(unit, f, child, None, process=True), "i32"), key)
    result = f.helper(Helper.MAP_UPDATE_ELEM, [_map(unit), key, value, const(_BPF_ANY)])
    f.cbr(f.icmp("ne", result, 0), full, leave)
    f.at(full)
    count_drop(f, unit.drops, DropKind.DYNAMIC)
    f.br(leave)
    f.at(leave)
    f.ret(0)
    return Attachment(FOLLOW_PROGRAM, "raw_tp", (), ("sched_process_fork",))


def exit_program(unit: Unit) -> Attachment:
    """Forget a process with its last thread (sched_process_exit: the task)."""
    f = unit.module.function("follow_exit", [("ctx", "ptr")], section="raw_tp/sched_process_exit")
    gone, leave = f.block("gone"), f.block("leave")
    task = f.ctx_load(f.params[0], 0)
    signal = read_word(f, task, unit.kernel.offset("task_struct", "signal", None), 8)
    live = read_word(f, signal, unit.kernel.offset("signal_struct", "live", None), 4)
    f.cbr(f.icmp("eq", live, 0), gone, leave)
    f.at(gone)
    key = f.slot("process", 4, 4)
    f.store(f.trunc(task_number(unit, f, task, None, process=True), "i32"), key)
    f.helper(Helper.MAP_DELETE_ELEM, [_map(unit), key])
    f.br(leave)
    f.at(leave)
    f.ret(0)
    return Attachment("follow_exit", "raw_tp", (), ("sched_process_exit",))


def check_followed(unit: Unit, f: Function, pid: int, leave: str) -> None:
    """Go on only where the running process is `pid` or descends from it."""
    number = f.op("lshr", current_ids(unit, f), 32)
    followed, mine = f.block("followed"), f.block("mine")
    entry = _lookup(unit, f, number)
    f.cbr(f.icmp("eq", entry, NULL), leave, followed)
    f.at(followed)
    f.cbr(f.icmp("eq", f.load("i32", entry), const(pid, "i32")), mine, leave)
    f.at(mine)


def descends(unit: Unit, f: Function, number: Value, wanted: Value) -> Value:
    """1 where the process with a number is known to descend from the target `wanted`."""
    entry = _lookup(unit, f, number)
    before, found, done = f.current, f.block("followed"), f.block("descends")
    f.cbr(f.icmp("eq", entry, NULL), done, found)
    f.at(found)
    root = f.zext(f.icmp("eq", f.load("i32", entry), f.trunc(wanted, "i32")), "i64")
    f.br(done)
    f.at(done)
    return f.phi("i64", [(const(0), before), (root, found)])


def _lookup(unit: Unit, f: Function, number: Value) -> Value:
    key = f.slot("process", 4, 4)
    f.store(f.trunc(number, "i32"), key)
    return f.helper(Helper.MAP_LOOKUP_ELEM, [_map(unit), key], "ptr")


def _map(unit: Unit) -> Value:
    assert unit.followed is not None
    return unit.followed
