"""Whether the CPU is in an interrupt, hard or soft: the built-in variable ipl.

Some probes fire nowhere else or never there.  For the others the kernel's preemption count tells
(linux/preempt.h).  On x86-64 it is a variable of each CPU, which programs can name where the
kernel keeps the names of its variables (CONFIG_KALLSYMS_ALL).
"""

from __future__ import annotations

from dscript.errors import Diagnostic, Span
from dscript.kernel import btf, kallsyms
from dscript.lowering.generator import Generator
from dscript.object.helpers import Helper
from dscript.object.values import Value, const

# HARDIRQ_MASK and NMI_MASK, and SOFTIRQ_OFFSET: a soft interrupt is being served.
_IN_INTERRUPT = 0xFF0100
# System calls, traps of user code, and the tracer's own programs; the clocks' interrupts.
_NEVER = ("syscall_program", "syscall_entry", "syscall_return", "uprobe", "ureturn")
_ALWAYS = ("perf_event",)


def level(g: Generator, task: Value, span: Span) -> Value:
    """1 in a hard or soft interrupt, else 0."""
    if g.firing in _NEVER:
        return const(0)
    if g.firing in _ALWAYS:
        return const(1)
    f = g.f
    count = f.opaque(_count(g, task, span))
    inside = f.icmp("ne", f.op("and", count, _IN_INTERRUPT), 0)
    return f.select(inside, const(1), const(0))


def _count(g: Generator, task: Value, span: Span) -> Value:
    f, kernel = g.f, g.unit.kernel
    if kernel.machine == "aarch64":
        offset = kernel.offset("task_struct", "thread_info.preempt.count", span)
        return f.zext(f.load("i32", f.gep(task, offset)), "i64")
    if kallsyms.data_symbol("init_task") is None:
        raise Diagnostic(
            "D_UNKNOWN",
            "ipl is not available in this probe: this kernel names its functions only, not its "
            "variables (it is built without CONFIG_KALLSYMS_ALL)",
            span,
            "it is in syscall, profile, tick and user probes",
        )
    # From Linux 6.2 to 6.14 the variable is a member of a structure that each CPU has.
    if btf.find(btf.Kind.VAR, "__preempt_count") is not None:
        variable, offset = g.unit.module.kernel_variable("__preempt_count"), 0
    else:
        offset = kernel.offset("pcpu_hot", "preempt_count", span)
        variable = g.unit.module.kernel_variable("pcpu_hot", structure=True)
    here = f.helper(Helper.THIS_CPU_PTR, [variable], "ptr")
    return f.zext(f.load("i32", f.gep(here, offset)), "i64")
