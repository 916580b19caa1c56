"""Subroutines on whole strings: strlen, strjoin, tolower, toupper.

Arguments are first copied to scratch memory, which cuts them to strsize, ends them with a NUL
and tells their length; every result is cut to what its destination takes.
"""

from __future__ import annotations

from dscript.lowering import memory
from dscript.lowering.generator import Generator, Scalar, StringInto
from dscript.lowering.layout import round_up
from dscript.lowering.steps import if_below, shared, steps
from dscript.lowering.string_arguments import argument, limit_of
from dscript.object.function import Function
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.semantics import tree


def _strlen(g: Generator, call: tree.SubroutineCall) -> Value:
    """The kernel's own copy of a string says how long it is."""
    text = g.string(call.args[0])
    if text.literal is not None:
        return const(min(len(text.literal.partition(b"\0")[0]), g.unit.program.strsize - 1))
    return argument(g, call.args[0], text).length


def _strjoin(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """Both in a row; what does not fit is cut off.

    They meet in a buffer that holds twice the longest string, so that no size depends on
    the first one's length.
    """
    f = g.f
    limit = limit_of(call, capacity)
    first = g.string(call.args[0])
    second = g.string(call.args[1])
    size = g.unit.program.strsize
    both = g.temporary_at(round_up(2 * size))
    used = f.helper(
        Helper.PROBE_READ_KERNEL_STR,
        [both, const(min(first.capacity, size)), first.pointer],
    )
    # The helper counts the NUL; the second string starts on it.
    with if_below(f, f.op("sub", used, 1), size) as end:
        f.helper(
            Helper.PROBE_READ_KERNEL_STR,
            [f.gep(both, end), const(min(second.capacity, size)), second.pointer],
        )
    f.helper(Helper.PROBE_READ_KERNEL_STR, [destination, const(limit), both])


# ---------------------------------------------------------------------------------- case


def _changed(name: str, first: str, last: str) -> StringInto:
    """tolower() and toupper(): letters from `first` to `last` change case, ASCII only."""

    def lower(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
        limit = limit_of(call, capacity)
        source = g.string(call.args[0])
        memory.copy_string(g, source, destination, limit, pad=False)

        def build(f: Function) -> None:
            with steps(f, f"{name}_{limit}_step", limit, text=f.params[0]) as s:
                c = s.f
                where = c.gep(s.pointer("text"), s.within(s.index, limit))
                byte = c.zext(c.load("i8", where, align=1), "i64")
                s.stop_if(c.icmp("eq", byte, 0))
                letter = c.icmp("ult", c.op("sub", byte, ord(first)), ord(last) - ord(first) + 1)
                s.next_if(c.op("xor", letter, const(1, "i1")))
                c.store(c.trunc(c.op("xor", byte, 0x20), "i8"), where, align=1)

        function = shared(g, f"{name}_{limit}", [("text", "ptr")], build)
        g.f.call(function, [destination])

    return lower


SCALARS: dict[str, Scalar] = {"strlen": _strlen}
STRINGS: dict[str, StringInto] = {
    "strjoin": _strjoin,
    "tolower": _changed("tolower", "A", "Z"),
    "toupper": _changed("toupper", "a", "z"),
}
