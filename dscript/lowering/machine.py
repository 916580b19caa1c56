"""Subroutines of the D library about the machine: user registers, where a CPU is."""

from __future__ import annotations

import os
from collections.abc import Callable

from dscript.kernel import topology
from dscript.lowering import expressions, variables
from dscript.lowering.generator import Generator
from dscript.object.helpers import Helper
from dscript.object.values import Value
from dscript.semantics import tree


def _user_registers(g: Generator, call: tree.SubroutineCall) -> Value:
    """Address of the struct pt_regs with which the thread left user mode."""
    return g.address_of(g.f.helper(Helper.TASK_PT_REGS, [variables.task(g)], "ptr"))


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
        row = f.opaque(expressions.value(g, call.args[0]))
        # Opaque once more, or LLVM multiplies first and compares the factor that it keeps.
        row = f.opaque(f.select(f.icmp("ult", row, count), row, count))
        return f.sext(f.load("i32", f.gep(table, f.op("mul", row, 4))), "i64")

    return lower


SCALARS = {
    "__cpu_chip": _of_cpu(topology.packages),
    "__cpu_lgrp": _of_cpu(topology.nodes),
    "__user_registers": _user_registers,
}
