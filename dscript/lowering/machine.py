"""Subroutines of the D library about the machine: user registers, where a CPU is, its ticks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from dscript.kernel import topology
from dscript.lowering.generator import Generator
from dscript.lowering.threads import task
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import SYSTEM_WORDS
from dscript.semantics import tree


def _user_registers(g: Generator, call: tree.SubroutineCall) -> Value:
    """Address of the struct pt_regs with which the thread left user mode."""
    return g.address_of(g.f.helper(Helper.TASK_PT_REGS, [task(g)], "ptr"))


def _of_cpu(
    numbers: Callable[[], dict[int, int]],
) -> Callable[[Generator, tree.SubroutineCall], Value]:
    """A number that each CPU has, from a table in the program; -1 for a CPU without one."""

    def lower(g: Generator, call: tree.SubroutineCall) -> Value:
        f = g.f
        known = numbers()
        count = max((os.cpu_count() or 1) - 1, *known, 0) + 1
        cells = [known.get(cpu, -1) for cpu in range(count)] + [-1]
        table = g.unit.module.data(b"".join(n.to_bytes(4, "little", signed=True) for n in cells))
        row = f.opaque(g.value(call.args[0]))
        # Opaque once more, or LLVM multiplies first and compares the factor that it keeps.
        row = f.opaque(f.select(f.icmp("ult", row, count), row, count))
        return f.sext(f.load("i32", f.gep(table, f.op("mul", row, 4))), "i64")

    return lower


def _system(g: Generator, call: tree.SubroutineCall) -> Value:
    """A figure of the system by its number in SYSTEM_WORDS; 0 for any other number."""
    unit, f, count = g.unit, g.f, len(SYSTEM_WORDS)
    if not unit.system_words:
        unit.system_words = unit.layout.bss_size
        unit.layout.bss_size += 8 * count
    row = f.opaque(g.value(call.args[0]))
    inside = f.icmp("ult", row, count)
    # Opaque once more, or LLVM multiplies first and compares the factor that it keeps.
    at = f.opaque(f.select(inside, row, const(0)))
    word = f.load("i64", f.gep(g.bss(unit.system_words), f.op("mul", at, 8)), volatile=True)
    return f.select(inside, word, const(0))


_REALTIME_COARSE = 5  # CLOCK_REALTIME_COARSE, include/uapi/linux/time.h


def _tick_ns(g: Generator, call: tree.SubroutineCall) -> Value:
    """Nanoseconds of a tick, the unit of the kernel's `jiffies`: what its coarse clock moves by."""
    return const(round(time.clock_getres(_REALTIME_COARSE) * 1e9))


SCALARS = {
    "__system": _system,
    "__cpu_chip": _of_cpu(topology.packages),
    "__cpu_lgrp": _of_cpu(topology.nodes),
    "__tick_ns": _tick_ns,
    "__user_registers": _user_registers,
}
