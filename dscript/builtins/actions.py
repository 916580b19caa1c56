"""The actions of D (manual, chapter "Actions and Subroutines") and where each may stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dscript.program import AggregationFunction


@dataclass(frozen=True, slots=True)
class ActionDescription:
    """`data` says that it records data of its own (what DTrace calls a data-recording action).

    `destructive` ones need -w.  `required` and `allowed` bound the argument count.
    """

    name: str
    required: int
    allowed: int
    data: bool = True
    destructive: bool = False


MANY = 1 << 16

ACTIONS: dict[str, ActionDescription] = {
    action.name: action
    for action in [
        ActionDescription("trace", 1, 1),
        ActionDescription("tracemem", 2, 3),
        ActionDescription("pcap", 2, 2),
        ActionDescription("printf", 1, MANY),
        ActionDescription("printa", 1, MANY),
        ActionDescription("print", 1, 1),
        ActionDescription("stack", 0, 1),
        ActionDescription("ustack", 0, 2),
        ActionDescription("jstack", 0, 2),
        ActionDescription("sym", 1, 1),
        ActionDescription("func", 1, 1),
        ActionDescription("mod", 1, 1),
        ActionDescription("usym", 1, 1),
        ActionDescription("ufunc", 1, 1),
        ActionDescription("umod", 1, 1),
        ActionDescription("uaddr", 1, 1),
        ActionDescription("exit", 1, 1),
        ActionDescription("clear", 1, 1),
        ActionDescription("trunc", 1, 2),
        ActionDescription("normalize", 2, 2),
        ActionDescription("denormalize", 1, 1),
        ActionDescription("setopt", 1, 2),
        ActionDescription("freopen", 1, MANY, destructive=True),
        ActionDescription("ftruncate", 0, 0),
        ActionDescription("system", 1, MANY, destructive=True),
        ActionDescription("raise", 1, 1, data=False, destructive=True),
        ActionDescription("stop", 0, 0, data=False, destructive=True),
        ActionDescription("chill", 1, 1, data=False, destructive=True),
        ActionDescription("breakpoint", 0, 0, destructive=True),
        ActionDescription("panic", 0, 0, destructive=True),
        ActionDescription("speculate", 1, 1, data=False),
        ActionDescription("commit", 1, 1),
        ActionDescription("discard", 1, 1),
    ]
}

# Known to D but not available here: an error names them.
ABSENT_ACTIONS: dict[str, str] = {}


class AggregatingFunction(NamedTuple):
    """`least` and `most` bound the argument count."""

    name: AggregationFunction
    least: int
    most: int


AGGREGATING_FUNCTIONS: dict[str, AggregatingFunction] = {
    function.name: function
    for function in [
        AggregatingFunction("count", 0, 0),
        AggregatingFunction("sum", 1, 1),
        AggregatingFunction("avg", 1, 1),
        AggregatingFunction("min", 1, 1),
        AggregatingFunction("max", 1, 1),
        AggregatingFunction("stddev", 1, 1),
        AggregatingFunction("quantize", 1, 2),
        AggregatingFunction("lquantize", 3, 5),
        AggregatingFunction("llquantize", 5, 6),
    ]
}
