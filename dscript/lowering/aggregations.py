"""Aggregations: find or make the value for a key, then update it in place.

Every aggregation has two maps, one for each generation; the word GENERATION in `.bss` says
which one programs write to (docs/aggregations.md).  Values start as zeroes, so that a hit is
one lookup and an addition, and a new key one update more.
"""

from __future__ import annotations

from dscript.dtypes.types import StringType
from dscript.lowering.actions import write_stack, write_symbol
from dscript.lowering.generator import Generator
from dscript.lowering.layout import State, round_up
from dscript.lowering.probes import PARTS
from dscript.object.helpers import NOEXIST, Helper
from dscript.object.values import NULL, Value, const
from dscript.program import Aggregation, DropKind, StateLayout
from dscript.semantics import tree

# Keys up to this size are built on the stack, but for clauses that spare it.
STACK_KEY = 160


def update(g: Generator, node: tree.AggregationUpdate) -> None:
    """One `@a[keys] = function(value)`."""
    g.at(node.span)
    f = g.f
    plan = plan_of(g, node.aggregation)
    done = f.block("aggregated")
    if plan.key_size:  # keys are computed before the value
        place = _key(g, node, plan)
    else:
        place = f.slot("zero", 4, 4)
        f.store(const(plan.slot, "i32"), place)
    value = None if node.value is None else g.value(node.value)
    weight = None if node.weight is None else g.value(node.weight)
    words = _value_pointer(g, plan, place, done)
    _apply(g, plan, words, value, weight)
    f.br(done)
    f.at(done)


def plan_of(g: Generator, variable: tree.AggregationVariable) -> Aggregation:
    return g.unit.aggregation_plans[variable.id]


def _key(g: Generator, node: tree.AggregationUpdate, plan: Aggregation) -> Value:
    f = g.f
    place = g.key_buffer("akey", plan.key_size, STACK_KEY)
    if plan.shared:
        f.store(const(plan.id), place)
    for expr, field in zip(node.keys, plan.keys, strict=True):
        where = f.gep(place, field.offset)
        width = round_up(field.size)
        if field.kind == "probe":
            assert isinstance(expr, tree.Builtin) and expr.name in PARTS
            f.store(f.load("i64", g.state_at(State.PROBE)), where)
        elif isinstance(expr, tree.StackValue):
            write_stack(g, expr, where, field.size)
        elif isinstance(expr, tree.SymbolValue):
            write_symbol(g, expr, where)
        elif isinstance(expr.type.resolve(), StringType):
            g.string_into(expr, where, width, pad=True)
        else:
            f.store(g.value(expr), where)
    return place


def _value_pointer(g: Generator, plan: Aggregation, place: Value, done: str) -> Value:
    """Pointer to this CPU's words for the key; leaves for `done` when there is no room."""
    f = g.f
    generation = f.load("i64", g.bss(StateLayout.GENERATION), volatile=True)
    blocks = [f.block("first"), f.block("second")]
    have = f.block("words")
    f.cbr(f.icmp("eq", generation, 0), *blocks)
    incoming: list[tuple[Value, str]] = []
    for label, made in zip(blocks, g.unit.aggregation_maps[plan.id], strict=True):
        f.at(label)
        found = f.helper(Helper.MAP_LOOKUP_ELEM, [made, place], "ptr")
        missing = f.block("missing")
        incoming.append((found, f.current))
        f.cbr(f.icmp("ne", found, NULL), have, missing)
        f.at(missing)
        if plan.key_size:
            incoming.append(_insert(g, plan, made, place, done))
            f.br(have)
        else:
            f.br(done)
    f.at(have)
    return f.phi("ptr", incoming)


def _insert(
    g: Generator, plan: Aggregation, made: Value, place: Value, done: str
) -> tuple[Value, str]:
    f = g.f
    zeros = g.unit.module.data(bytes(8 * plan.value_words))
    f.helper(Helper.MAP_UPDATE_ELEM, [made, place, zeros, const(NOEXIST)])
    found = f.helper(Helper.MAP_LOOKUP_ELEM, [made, place], "ptr")
    full, good = f.block("full"), f.block("inserted")
    f.cbr(f.icmp("eq", found, NULL), full, good)
    f.at(full)
    g.count_drop(DropKind.AGGREGATION)
    f.br(done)
    f.at(good)
    f.atomic("add", g.bss(StateLayout.AGGREGATION_PRESSURE), const(1))
    return found, f.current


# ------------------------------------------------------------------------------ functions


def _apply(
    g: Generator, plan: Aggregation, words: Value, value: Value | None, weight: Value | None
) -> None:
    function = plan.function
    if function == "count":
        _add(g, plan, words, 0, const(1))
        return
    assert value is not None
    amount = const(1) if weight is None else weight
    if function == "sum":
        _add(g, plan, words, 0, value)
        if not plan.keys:
            _add(g, plan, words, 8, const(1))
    elif function == "avg":
        _add(g, plan, words, 0, const(1))
        _add(g, plan, words, 8, value)
    elif function in ("min", "max"):
        _extreme(g, plan, words, value)
    elif function == "stddev":
        _add(g, plan, words, 0, const(1))
        _add(g, plan, words, 8, value)
        _add_square(g, words, value)
    else:
        bucket = {"quantize": _log2_bucket, "lquantize": _linear_bucket}.get(
            function, _log_linear_bucket
        )
        index = bucket(g, plan, value)
        f = g.f
        index = f.opaque(index)
        top = plan.value_words - 1
        index = f.select(f.icmp("ugt", index, top), const(top), index)
        _add(g, plan, f.gep(words, f.op("mul", index, 8)), 0, amount)


def _add(g: Generator, plan: Aggregation, words: Value, offset: int, amount: Value) -> None:
    """Values are per CPU: only another program interrupting this one needs atomics."""
    f = g.f
    place = f.gep(words, offset)
    if plan.id in g.unit.exclusive:
        f.store(f.op("add", f.load("i64", place), amount), place)
    else:
        f.atomic("add", place, amount)


def _extreme(g: Generator, plan: Aggregation, words: Value, value: Value) -> None:
    f = g.f
    seen = f.load("i64", words)
    best = f.load("i64", f.gep(words, 8))
    word = "s" if plan.signed else "u"
    better = f.icmp(word + ("lt" if plan.function == "min" else "gt"), value, best)
    take = f.op("or", f.zext(better, "i64"), f.zext(f.icmp("eq", seen, 0), "i64"))
    f.store(f.select(f.icmp("ne", take, 0), value, best), f.gep(words, 8))
    _add(g, plan, words, 0, const(1))


def _add_square(g: Generator, words: Value, value: Value) -> None:
    """Add value² to the 128-bit sum in words 2 (low) and 3 (high), by 32-bit halves."""
    f = g.f
    sign = f.op("ashr", value, 63)
    x = f.op("sub", f.op("xor", value, sign), sign)
    low, high = f.op("and", x, 0xFFFFFFFF), f.op("lshr", x, 32)
    cross = f.op("mul", low, high)
    # x² = high² · 2^64 + 2 · cross · 2^32 + low²; 2 · cross has 65 bits.
    shifted_low = f.op("shl", cross, 33)
    shifted_high = f.op("lshr", cross, 31)
    square_low = f.op("mul", low, low)
    sum_low = f.op("add", square_low, shifted_low)
    carry = f.zext(f.icmp("ult", sum_low, square_low), "i64")
    sum_high = f.op("add", f.op("add", f.op("mul", high, high), shifted_high), carry)
    old_low = f.load("i64", f.gep(words, 16))
    new_low = f.op("add", old_low, sum_low)
    carry = f.zext(f.icmp("ult", new_low, old_low), "i64")
    old_high = f.load("i64", f.gep(words, 24))
    f.store(new_low, f.gep(words, 16))
    f.store(f.op("add", f.op("add", old_high, sum_high), carry), f.gep(words, 24))


# -------------------------------------------------------------------------------- buckets


def _log2_bucket(g: Generator, plan: Aggregation, value: Value) -> Value:
    """63 for 0, 63 + bits of x for x > 0, 63 - bits of |x| for x < 0 (manual, "quantize").

    The least integer, which has no positive counterpart, falls into the lowest bucket.
    """
    f = g.f
    sign = f.op("ashr", value, 63)
    magnitude = f.op("sub", f.op("xor", value, sign), sign)
    bits = _bit_length(g, magnitude)
    # A 64-bit magnitude (of the least integer) counts as 63 bits.
    bits = f.select(f.icmp("ugt", bits, 63), const(63), bits)
    directed = f.op("sub", f.op("xor", bits, sign), sign)
    return f.op("add", directed, 63)


def _bit_length(g: Generator, value: Value) -> Value:
    """Position of the highest set bit, from 1; 0 for 0: a binary search without branches."""
    f = g.f
    result: Value = const(0)
    rest = value
    for step in (32, 16, 8, 4, 2, 1):
        above = f.icmp("uge", rest, 1 << step)
        rest = f.select(above, f.op("lshr", rest, step), rest)
        result = f.op("add", result, f.select(above, const(step), const(0)))
    return f.op("add", result, f.select(f.icmp("ne", rest, 0), const(1), const(0)))


def _linear_bucket(g: Generator, plan: Aggregation, value: Value) -> Value:
    """0 below base, then levels, then the overflow bucket at or above the limit."""
    f = g.f
    base, _, step = plan.params
    levels = plan.value_words - 2
    above = f.op("sub", value, base)
    index = f.op("add", f.op("udiv", above, step), 1)
    index = f.select(f.icmp("uge", index, levels + 1), const(levels + 1), index)
    return f.select(f.icmp("slt", value, base), const(0), index)


def _log_linear_bucket(g: Generator, plan: Aggregation, value: Value) -> Value:
    """Each magnitude of `factor` has `steps` linear buckets (manual, "llquantize")."""
    f = g.f
    factor, low, high, steps = plan.params
    done = f.block("bucket")
    incoming: list[tuple[Value, str]] = []
    small, first = f.block("small"), f.block("magnitude")
    f.cbr(f.icmp("slt", value, factor**low), small, first)
    f.at(small)
    incoming.append((const(0), small))
    f.br(done)
    f.at(first)
    base = 1
    for magnitude in range(low, high + 1):
        bottom, top = factor**magnitude, factor ** (magnitude + 1)
        buckets = min(top, steps)
        inside, above = f.block("inside"), f.block("above")
        f.cbr(f.icmp("slt", value, top), inside, above)
        f.at(inside)
        offset = f.op("udiv", f.op("sub", value, bottom), top // buckets)
        incoming.append((f.op("add", offset, base), f.current))
        f.br(done)
        f.at(above)
        base += buckets - buckets // factor
    incoming.append((const(base), f.current))
    f.br(done)
    f.at(done)
    return f.phi("i64", incoming)
