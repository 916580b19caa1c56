"""Destructive actions of the kernel side: stop(), raise(), chill().

panic() and breakpoint() only leave a record here: user space carries them out.
"""

from __future__ import annotations

import signal

from dscript.lowering.generator import Generator
from dscript.lowering.steps import MAX_STEPS, Words, only_if, shared, steps, words
from dscript.object.function import Function
from dscript.object.helpers import Helper, MapType
from dscript.object.values import NULL, Value, const
from dscript.program import Fault
from dscript.semantics import tree

# The manual's bound: half a second of every second, on each CPU.
_CHILL_MOST = 500_000_000
_CHILL_INTERVAL = 1_000_000_000
# A step takes 15 ns at the very least: so many loops last longer than the bound.
_CHILL_LOOPS = 6

_UNTIL = ("until",)


def stop(g: Generator, node: tree.ActionCall) -> None:
    """The process stops when it next leaves the kernel."""
    g.f.helper(Helper.SEND_SIGNAL, [const(int(signal.SIGSTOP))])


def raise_signal(g: Generator, node: tree.ActionCall) -> None:
    g.f.helper(Helper.SEND_SIGNAL, [g.value(node.args[0])])


def chill(g: Generator, node: tree.ActionCall) -> None:
    """Spin for that many nanoseconds; more than the bound is an illegal operation."""
    f = g.f
    wanted = g.value(node.args[0])
    g.fault_if(f.icmp("ugt", wanted, _CHILL_MOST), Fault.ILLOP)
    now = f.helper(Helper.KTIME_GET_NS, [])
    spent = _spent(g, now)
    total = f.op("add", f.load("i64", f.gep(spent, 8)), wanted)
    g.fault_if(f.icmp("ugt", total, _CHILL_MOST), Fault.ILLOP)
    f.store(total, f.gep(spent, 8))
    state = words(g, until=f.op("add", now, wanted))
    function = shared(g, "chill", [("state", "ptr")], _build_spinning)
    f.call(function, [state.base])
    # Time has passed (manual, "chill").
    for name in ("timestamp", "vtimestamp"):
        g.cached.pop(name, None)


def _spent(g: Generator, now: Value) -> Value:
    """Start of this CPU's interval and the time chilled in it; a new interval if it is over."""
    f = g.f
    unit = g.unit
    if unit.chilled is None:
        unit.chilled = unit.module.map("chilled", MapType.PERCPU_ARRAY, 4, 16, 1)
    key = f.alloca(4, align=4, name="key")
    f.store(const(0, "i32"), key)
    spent = f.helper(Helper.MAP_LOOKUP_ELEM, [unit.chilled, key], "ptr")
    g.fault_if(f.icmp("eq", spent, NULL), Fault.NOSCRATCH)
    over = f.icmp("ugt", f.op("sub", now, f.load("i64", spent)), _CHILL_INTERVAL)
    with only_if(f, over):
        f.store(now, spent)
        f.store(const(0), f.gep(spent, 8))
    return spent


def _build_spinning(f: Function) -> None:
    (base,) = f.params
    for number in range(_CHILL_LOOPS):
        with steps(f, f"chill_{number}", MAX_STEPS, Words(f, base, _UNTIL)) as s:
            now = s.f.helper(Helper.KTIME_GET_NS, [])
            s.stop_if(s.f.icmp("uge", now, s.words["until"]))
