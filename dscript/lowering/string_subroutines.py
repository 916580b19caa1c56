"""Subroutines on strings."""

from __future__ import annotations

from dscript.lowering import strings
from dscript.lowering.generator import Generator
from dscript.lowering.layout import round_up
from dscript.lowering.subroutines import Scalar, StringInto
from dscript.object.helpers import Helper
from dscript.object.values import Value, const
from dscript.semantics import tree


def _strlen(g: Generator, call: tree.SubroutineCall) -> Value:
    """The kernel's own copy of a string says how long it is."""
    f = g.f
    text = strings.value(g, call.args[0])
    if text.literal is not None:
        return const(len(text.literal.partition(b"\0")[0]))
    copy = g.temporary_at(round_up(text.capacity))
    size = f.helper(Helper.PROBE_READ_KERNEL_STR, [copy, const(text.capacity), text.pointer])
    return f.op("sub", size, 1)


def _strjoin(g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int) -> None:
    """Both in a row; what does not fit is cut off."""
    f = g.f
    first = strings.value(g, call.args[0])
    second = strings.value(g, call.args[1])
    # Twice the room: the verifier knows the first string's length to be below the capacity,
    # and nothing of how much is left after it.
    both = g.temporary_at(round_up(2 * capacity))
    size = f.helper(Helper.PROBE_READ_KERNEL_STR, [both, const(capacity), first.pointer])
    # The helper counts the NUL; the second string starts on it.
    end = f.opaque(f.op("sub", size, 1))
    room, done = f.block("room"), f.block("joined")
    f.cbr(f.icmp("ult", end, capacity - 1), room, done)
    f.at(room)
    f.helper(Helper.PROBE_READ_KERNEL_STR, [f.gep(both, end), const(capacity), second.pointer])
    f.br(done)
    f.at(done)
    f.helper(Helper.PROBE_READ_KERNEL_STR, [destination, const(capacity), both])


SCALARS: dict[str, Scalar] = {"strlen": _strlen}
STRINGS: dict[str, StringInto] = {"strjoin": _strjoin}
