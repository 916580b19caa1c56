"""Calls of subroutines: who lowers each."""

from __future__ import annotations

from dscript.dtypes.types import StringType
from dscript.lowering import copying, speculations
from dscript.lowering.generator import Generator, Scalar
from dscript.object.values import Value
from dscript.semantics import tree

_SCALARS: dict[str, Scalar] = {**copying.SCALARS, "speculation": speculations.speculation}


def scalar(g: Generator, call: tree.SubroutineCall) -> Value:
    """The value of a subroutine that gives an integer or a pointer."""
    handler = _SCALARS.get(call.name)
    if handler is None:
        from dscript.lowering.subroutine_tables import SCALARS

        handler = SCALARS.get(call.name)
    if handler is None:
        raise g.unsupported(f"{call.name}( )", call.span)
    return handler(g, call)


def string_into(
    g: Generator, call: tree.SubroutineCall, destination: Value, capacity: int, pad: bool
) -> None:
    """A subroutine that gives a string, computed into `capacity` bytes."""
    handler = copying.STRINGS.get(call.name)
    if handler is None:
        from dscript.lowering.subroutine_tables import STRINGS

        handler = STRINGS.get(call.name)
    if handler is None:
        raise g.unsupported(f"{call.name}( )", call.span)
    if pad:
        g.f.memset(destination, capacity)
    handler(g, call, destination, capacity)


def call_for_effect(g: Generator, call: tree.SubroutineCall) -> None:
    """A call as a statement; the value of one that has no other effect is computed all the same."""
    handler = copying.EFFECTS.get(call.name)
    if handler is None and not call.type.size:
        from dscript.lowering.subroutine_tables import EFFECTS

        handler = EFFECTS.get(call.name)
    if handler is not None:
        handler(g, call)
    elif isinstance(call.type.resolve(), StringType):
        g.string(call)
    else:
        scalar(g, call)
