"""The program behind `vtimestamp`: it notes, at every context switch, who comes on."""

from __future__ import annotations

from dscript.lowering.generator import Unit
from dscript.lowering.variables import VTIME
from dscript.object.helpers import Helper, MapType
from dscript.object.values import NULL, const
from dscript.program import Attachment

_ENTRY_SIZE = 24


def vtime_program(unit: Unit) -> Attachment:
    """Per-CPU entry: task coming on, the CPU time it has had, the clock now.

    sched_switch's arguments (include/trace/events/sched.h): preempt, prev, next, prev_state.
    """
    module = unit.module
    module.map("vtime", MapType.PERCPU_ARRAY, 4, _ENTRY_SIZE, 1)
    f = module.function("switch_time", [("ctx", "ptr")], section="raw_tp/sched_switch")
    following = f.ctx_load(f.params[0], 16)
    key = f.alloca(4, align=4, name="key")
    f.store(const(0, "i32"), key)
    entry = f.helper(Helper.MAP_LOOKUP_ELEM, [VTIME, key], "ptr")
    have, leave = f.block("have"), f.block("leave")
    f.cbr(f.icmp("eq", entry, NULL), leave, have)
    f.at(have)
    runtime = unit.kernel.offset("task_struct", "se.sum_exec_runtime", None)
    place = f.alloca(8, name="total")
    f.store(const(0), place)
    f.helper(Helper.PROBE_READ_KERNEL, [place, const(8), f.op("add", following, runtime)])
    f.store(following, entry)
    f.store(f.load("i64", place), f.gep(entry, 8))
    f.store(f.helper(Helper.KTIME_GET_NS, []), f.gep(entry, 16))
    f.br(leave)
    f.at(leave)
    f.ret(0)
    return Attachment("switch_time", "raw_tp", (), ("sched_switch",))
