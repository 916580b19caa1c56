"""Associative arrays: hash maps keyed by the tuple of keys; zero is absence."""

from __future__ import annotations

from dscript.dtypes.types import StringType, is_signed
from dscript.lowering import memory
from dscript.lowering.arithmetic import operate
from dscript.lowering.generator import Generator
from dscript.lowering.layout import AssociativeArray, round_up
from dscript.lowering.threads import task, thread_id
from dscript.object.helpers import ANY, NOEXIST, Helper
from dscript.object.values import NULL, Value, const
from dscript.program import DropKind
from dscript.semantics import tree

# Keys and values up to this size go on the stack (see `Generator.key_buffer`); others to scratch.
STACK_LIMIT = 64
# And of keys in keys, as many as may be built at once.
_ON_STACK = 3


def _key_buffer(g: Generator, size: int) -> Value:
    """Keys of keys (`a[b[x]]`) are built while the outer one is: each depth has its own."""
    limit = STACK_LIMIT if g.key_depth < _ON_STACK else 0
    return g.key_buffer(f"key{g.key_depth}", size, limit)


def _array(g: Generator, element: tree.Element) -> AssociativeArray:
    return g.unit.layout.arrays[element.variable]


def key(g: Generator, element: tree.Element) -> Value:
    """The key in memory.  Keys are computed left to right before any is stored."""
    array = _array(g, element)
    place = _key_buffer(g, array.key_size)
    g.key_depth += 1
    f = g.f
    if array.thread:
        f.store(_thread(g, element), place)
    ends = (*array.key_offsets[1:], array.key_size)
    for expr, offset, end in zip(element.keys, array.key_offsets, ends, strict=True):
        where = f.gep(place, offset)
        if isinstance(expr.type.resolve(), StringType):
            g.string_into(expr, where, end - offset, pad=True)
        else:
            f.store(g.value(expr), where)
    g.key_depth -= 1
    return place


def _thread(g: Generator, element: tree.Element) -> Value:
    """tid | low half of the start time: a later thread of the same number is another one."""
    f = g.f
    current = task(g)
    offset = g.unit.kernel.offset("task_struct", "start_time", element.span)
    start = f.opaque(f.load("i64", f.gep(current, offset)))
    return f.op("or", thread_id(g), f.op("shl", start, 32))


def element_pointer(g: Generator, element: tree.Element) -> Value:
    """Pointer to the element's value; NULL when there is none."""
    array = _array(g, element)
    return g.f.helper(Helper.MAP_LOOKUP_ELEM, [array.map, key(g, element)], "ptr")


def element_for_write(g: Generator, element: tree.Element) -> Value:
    """Pointer to the element, made (zeroed) when absent; a drop is counted without room."""
    array = _array(g, element)
    return _find_or_make(g, array, key(g, element))


def _find_or_make(g: Generator, array: AssociativeArray, place: Value) -> Value:
    f = g.f
    found = f.helper(Helper.MAP_LOOKUP_ELEM, [array.map, place], "ptr")
    before = f.current
    make, done = f.block("make"), f.block("element")
    f.cbr(f.icmp("eq", found, NULL), make, done)
    f.at(make)
    zeros = g.unit.module.data(bytes(array.value_size))
    f.helper(Helper.MAP_UPDATE_ELEM, [array.map, place, zeros, const(NOEXIST)])
    made = f.helper(Helper.MAP_LOOKUP_ELEM, [array.map, place], "ptr")
    full, good = f.block("full"), f.block("made")
    f.cbr(f.icmp("eq", made, NULL), full, good)
    f.at(full)
    g.count_drop(DropKind.DYNAMIC)
    f.br(g.skip_label)
    f.at(good)
    f.br(done)
    f.at(done)
    return f.phi("ptr", [(found, before), (made, good)])


def assign(g: Generator, expr: tree.Assign) -> Value:
    """`array[keys] = value`; an element that gets zero or the empty string is freed."""
    element = expr.target
    assert isinstance(element, tree.Element)
    type_ = element.type.resolve()
    if isinstance(type_, StringType):
        _assign_string(g, element, expr.value)
        return const(0)
    if memory.is_memory(type_):
        copy = g.temporary_at(element.type.size)
        memory.copy_into(g, copy, expr.value, element.type.size)
        g.f.memcpy(element_for_write(g, element), copy, element.type.size, align=1)
        return const(0)
    if expr.op:
        return _compound(g, element, expr)
    array = _array(g, element)
    result = g.value(expr.value)
    place = key(g, element)
    f = g.f
    new = f.slot("value", array.value_size)
    f.store(const(0), new)
    g.store_int(result, new, element.type.size)
    _put_or_free(g, array, place, new, f.icmp("eq", result, 0))
    return result


def _assign_string(g: Generator, element: tree.Element, value: tree.Expr) -> None:
    f = g.f
    array = _array(g, element)
    new = g.temporary_at(round_up(element.type.size))
    g.string_into(value, new, element.type.size, pad=True)
    place = key(g, element)
    first = f.load("i8", new, align=1)
    _put_or_free(g, array, place, new, f.icmp("eq", first, 0))


def _put_or_free(
    g: Generator, array: AssociativeArray, place: Value, new: Value, empty: Value
) -> None:
    """Store the value at `new`, or take the element away when it is `empty`."""
    f = g.f
    free, put, done = f.block("free"), f.block("put"), f.block("assigned")
    f.cbr(empty, free, put)
    f.at(free)
    f.helper(Helper.MAP_DELETE_ELEM, [array.map, place])
    f.br(done)
    f.at(put)
    result = f.helper(Helper.MAP_UPDATE_ELEM, [array.map, place, new, const(ANY)])
    full = f.block("full")
    f.cbr(f.icmp("ne", result, 0), full, done)
    f.at(full)
    g.count_drop(DropKind.DYNAMIC)
    f.br(done)
    f.at(done)


def _compound(g: Generator, element: tree.Element, expr: tree.Assign) -> Value:
    assert expr.work is not None
    right = g.value(expr.value)
    pointer = element_for_write(g, element)
    if expr.op in "+-" and element.type.size in (4, 8):
        delta = right if expr.op == "+" else g.f.op("sub", 0, right)
        return _add(g, pointer, element, delta, post=False)
    left = g.normalise(g.load_int(pointer, element.type), expr.work)
    result = g.normalise(operate(g, expr.op, left, right, expr.work), element.type)
    g.store_int(result, pointer, element.type.size)
    return result


def step(g: Generator, expr: tree.Step) -> Value:
    assert isinstance(expr.target, tree.Element)
    pointer = element_for_write(g, expr.target)
    if expr.target.type.size in (4, 8):
        return _add(g, pointer, expr.target, const(expr.delta), post=expr.post)
    old = g.load_int(pointer, expr.target.type)
    new = g.normalise(g.f.op("add", old, expr.delta), expr.target.type)
    g.store_int(new, pointer, expr.target.type.size)
    return old if expr.post else new


def _add(g: Generator, pointer: Value, element: tree.Element, delta: Value, *, post: bool) -> Value:
    """Add in place; elements are shared by all CPUs, so the addition is atomic."""
    f = g.f
    size = element.type.size
    old = f.atomic("add", pointer, delta if size == 8 else f.trunc(delta, "i32"))
    if size == 4:
        old = f.sext(old, "i64") if is_signed(element.type) else f.zext(old, "i64")
    return old if post else g.normalise(f.op("add", old, delta), element.type)
