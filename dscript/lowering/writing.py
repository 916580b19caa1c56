"""copyout() and copyoutstr(): memory of the traced process changed from the probe."""

from __future__ import annotations

from dscript.errors import Diagnostic
from dscript.kernel import features
from dscript.lowering import memory
from dscript.lowering.generator import Generator, Scalar
from dscript.lowering.steps import if_below
from dscript.lowering.string_arguments import argument
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.program import Fault
from dscript.semantics import tree

# Bytes that one copyout() can have.
MAX_COPY = 4096


def _require(call: tree.SubroutineCall) -> None:
    """Diagnostic where this kernel does not let programs write user memory."""
    answer = features.helper("probe_write_user")
    if answer.works:
        return
    level = features.lockdown()
    locked = level not in ("none", "unknown")
    why = f"kernel lockdown is {level}" if locked else answer.why
    raise Diagnostic(
        "D_DESTRUCTIVE",
        f"{call.name}( ) cannot write user memory on this kernel: {why}",
        call.span,
        "lockdown is lifted only by booting without it (and without Secure Boot)"
        if locked
        else None,
    )


# The helper takes no size of 0: what is tested is the size less one.


def _write(g: Generator, where: Value, source: Value, size: Value) -> None:
    f = g.f
    result = f.helper(Helper.PROBE_WRITE_USER, [where, source, size])
    g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, where)


def _copyout(g: Generator, call: tree.SubroutineCall) -> Value:
    """copyout(source, address, size): from scratch or kernel memory to the process."""
    _require(call)
    f = g.f
    source, where, size = (g.value(arg) for arg in call.args)
    g.fault_if(f.icmp("ugt", size, MAX_COPY), Fault.NOSCRATCH, where)
    copy = g.temporary_at(MAX_COPY)
    with if_below(f, f.op("sub", size, 1), MAX_COPY) as less:
        count = f.op("add", less, 1)
        memory.check_heap(g, source, count)
        result = f.helper(Helper.PROBE_READ_KERNEL, [copy, count, source])
        g.fault_if(f.icmp("ne", result, 0), Fault.BADADDR, source)
        _write(g, where, copy, count)
    return const(0)


def _copyoutstr(g: Generator, call: tree.SubroutineCall) -> Value:
    """copyoutstr(text, address, most): the string and its NUL, at most that many bytes."""
    _require(call)
    f = g.f
    text = argument(g, call.args[0])
    where, most = (g.value(arg) for arg in call.args[1:])
    size = f.op("add", text.length, 1)
    size = f.select(f.icmp("ult", most, size), most, size)
    with if_below(f, f.op("sub", size, 1), g.unit.program.strsize) as less:
        _write(g, where, text.pointer, f.op("add", less, 1))
    return const(0)


EFFECTS: dict[str, Scalar] = {"copyout": _copyout, "copyoutstr": _copyoutstr}
