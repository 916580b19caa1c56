"""Scalar expressions → 64-bit values, kept as a variable of their type would read back."""

from __future__ import annotations

from dscript.dtypes.types import StringType, StructType, VoidType, is_signed
from dscript.lowering import (
    actions,
    aggregations,
    arrays,
    memory,
    places,
    strings,
    subroutines,
    variables,
)
from dscript.lowering.arithmetic import operate
from dscript.lowering.generator import Generator
from dscript.lowering.probes import PARTS
from dscript.object.values import Value, const
from dscript.semantics import tree


def value(g: Generator, expr: tree.Expr) -> Value:
    """A scalar expression."""
    match expr:
        case tree.Const():
            return const(expr.value)
        case tree.Builtin():
            if expr.name in PARTS or expr.name == "execname":
                return g.address_of(strings.value(g, expr).pointer)
            return variables.scalar(g, expr)
        case tree.ProbeArgument():
            return variables.typed_argument(g, expr)
        case tree.LoadWord():
            return g.load_word(expr.name)
        case (
            tree.VariableRef() | tree.Element() | tree.Deref() | tree.MemberRef() | tree.IndexRef()
        ):
            return places.load(g, expr)
        case tree.KernelSymbol():
            return memory.load_at(g, places.place(g, expr), expr.type)
        case tree.Binary():
            return _binary(g, expr)
        case tree.Compare():
            return g.f.zext(truth(g, expr), "i64")
        case tree.Logical() | tree.Not():
            return g.f.zext(truth(g, expr), "i64")
        case tree.Convert():
            return g.normalise(value(g, expr.operand), expr.type)
        case tree.Unary():
            operand = value(g, expr.operand)
            op, other = ("sub", 0) if expr.op == "-" else ("xor", -1)
            result = g.f.op(op, other, operand) if op == "sub" else g.f.op(op, operand, other)
            return g.normalise(result, expr.type)
        case tree.Conditional():
            return _conditional(g, expr)
        case tree.Assign():
            return assign(g, expr)
        case tree.Step():
            return _step(g, expr)
        case tree.Comma():
            for item in expr.items[:-1]:
                effect(g, item)
            return value(g, expr.items[-1])
        case tree.AddressOf():
            return _address(g, expr)
        case tree.SubroutineCall():
            return subroutines.scalar(g, expr)
        case tree.ToString() | tree.Text():
            return g.address_of(strings.value(g, expr).pointer)
        case tree.SymbolValue():
            return value(g, expr.address)
    raise g.unsupported("this expression", expr.span)


def effect(g: Generator, expr: tree.Expr) -> None:
    """An expression for what it does: its value is not wanted."""
    match expr:
        case tree.ActionCall():
            actions.action(g, expr)
        case tree.AggregationUpdate():
            aggregations.update(g, expr)
        case tree.Conditional():
            _branch(g, expr)
        case tree.Comma():
            for item in expr.items:
                effect(g, item)
        case tree.Assign():
            assign(g, expr)
        case tree.SubroutineCall():
            subroutines.call_for_effect(g, expr)
        case _:
            _evaluate(g, expr)


def _evaluate(g: Generator, expr: tree.Expr) -> None:
    """Values nobody uses are computed all the same: they may fault."""
    type_ = expr.type.resolve()
    if isinstance(type_, StringType):
        strings.value(g, expr)
    elif isinstance(type_, (StructType, VoidType)) or isinstance(expr, tree.StackValue):
        return
    elif memory.is_memory(type_):
        places.place(g, expr)
    else:
        value(g, expr)


def _branch(g: Generator, expr: tree.Conditional) -> None:
    """`condition ? action : action` as a statement."""
    f = g.f
    condition = truth(g, expr.condition)
    then, otherwise, done = f.block("then"), f.block("else"), f.block("done")
    f.cbr(condition, then, otherwise)
    f.at(then)
    effect(g, expr.then)
    f.br(done)
    f.at(otherwise)
    effect(g, expr.otherwise)
    f.br(done)
    f.at(done)


# ----------------------------------------------------------------------------- operators


def _binary(g: Generator, expr: tree.Binary) -> Value:
    left, right = value(g, expr.left), value(g, expr.right)
    return operate(g, expr.op, left, right, expr.type)


def truth(g: Generator, expr: tree.Expr) -> Value:
    """A condition as an i1."""
    f = g.f
    match expr:
        case tree.Compare():
            if isinstance(expr.left.type.resolve(), StringType):
                return strings.compare(g, expr.op, expr.left, expr.right)
            left, right = value(g, expr.left), value(g, expr.right)
            return f.icmp(_predicate(expr.op, is_signed(expr.left.type)), left, right)
        case tree.Not():
            return f.op("xor", truth(g, expr.operand), const(1, "i1"))
        case tree.Logical(op="^^"):
            left_truth = truth(g, expr.left)
            return f.op("xor", left_truth, truth(g, expr.right))
        case tree.Logical():
            return _short_circuit(g, expr)
    return f.icmp("ne", value(g, expr), 0)


def _predicate(op: str, signed: bool) -> str:
    if op in ("==", "!="):
        return "eq" if op == "==" else "ne"
    word = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[op]
    return ("s" if signed else "u") + word


def _short_circuit(g: Generator, expr: tree.Logical) -> Value:
    f = g.f
    left = truth(g, expr.left)
    before = f.current
    more, done = f.block("more"), f.block("logic")
    if expr.op == "&&":
        f.cbr(left, more, done)
    else:
        f.cbr(left, done, more)
    f.at(more)
    right = truth(g, expr.right)
    after = f.current
    f.br(done)
    f.at(done)
    return f.phi("i1", [(const(int(expr.op == "||"), "i1"), before), (right, after)])


def _conditional(g: Generator, expr: tree.Conditional) -> Value:
    f = g.f
    condition = truth(g, expr.condition)
    then, otherwise, done = f.block("then"), f.block("else"), f.block("chosen")
    f.cbr(condition, then, otherwise)
    f.at(then)
    a = value(g, expr.then)
    from_then = f.current
    f.br(done)
    f.at(otherwise)
    b = value(g, expr.otherwise)
    from_otherwise = f.current
    f.br(done)
    f.at(done)
    return f.phi("i64", [(a, from_then), (b, from_otherwise)])


def _address(g: Generator, expr: tree.AddressOf) -> Value:
    operand = expr.operand
    if isinstance(operand.type.resolve(), StringType):
        return g.address_of(strings.value(g, operand).pointer)
    return memory.address(g, memory.not_null(g, places.place(g, operand), operand))


# ---------------------------------------------------------------------------- assignment


def assign(g: Generator, expr: tree.Assign) -> Value:
    """The value of a scalar assignment; for strings and structures only the effect counts."""
    target = expr.target
    type_ = target.type.resolve()
    if isinstance(target, tree.Element):
        return arrays.assign(g, expr)
    if isinstance(type_, StringType):
        _assign_string(g, expr)
        return const(0)
    if memory.is_memory(type_):
        _assign_memory(g, expr)
        return const(0)
    if expr.op:
        return _compound(g, expr)
    result = value(g, expr.value)
    if isinstance(expr.value, tree.Const) and expr.value.value == 0:
        _assign_zero(g, target)
    else:
        places.store(g, target, result)
    return places.kept(g, target, result)


def _assign_zero(g: Generator, target: tree.Expr) -> None:
    """Zero frees: a thread without storage needs none to hold a zero."""
    if not (isinstance(target, tree.VariableRef) and target.variable.scope == "self"):
        places.store(g, target, const(0))
        return
    f = g.f
    base = places.thread_storage(g, create=False)
    have, done = f.block("have"), f.block("zeroed")
    f.cbr(f.icmp("eq", base, Value("null", "ptr")), done, have)
    f.at(have)
    place = f.gep(base, g.unit.layout.self[target.variable])
    g.store_int(const(0), place, target.type.size)
    f.br(done)
    f.at(done)


def _assign_string(g: Generator, expr: tree.Assign) -> None:
    """The value is computed before the target is touched: it may be made of the target."""
    capacity = expr.target.type.size
    simple = isinstance(expr.value, (tree.Text, tree.Builtin))
    if simple:
        where = places.writable(g, expr.target)
        assert where.pointer is not None
        strings.into(g, expr.value, where.pointer, capacity, pad=False)
        return
    text = strings.value(g, expr.value)
    where = places.writable(g, expr.target)
    assert where.pointer is not None
    memory.copy_string(g, text, where.pointer, capacity, pad=False)


def _assign_memory(g: Generator, expr: tree.Assign) -> None:
    size = expr.target.type.size
    copy = g.temporary_at(size)
    if isinstance(expr.value.type.resolve(), StringType):
        g.f.memset(copy, size)
        strings.into(g, expr.value, copy, size, pad=False)
    else:
        memory.copy_into(g, copy, expr.value, size)
    where = places.writable(g, expr.target)
    assert where.pointer is not None
    g.f.memcpy(where.pointer, copy, size, align=1)


def _is_shared_word(target: tree.Expr) -> bool:
    """Global scalars, which several CPUs update at once."""
    return isinstance(target, tree.VariableRef) and target.variable.scope == "global"


def _compound(g: Generator, expr: tree.Assign) -> Value:
    assert expr.work is not None
    right = value(g, expr.value)
    if expr.op in "+-" and _is_shared_word(expr.target) and expr.target.type.size in (4, 8):
        delta = right if expr.op == "+" else g.f.op("sub", 0, right)
        return _atomic_add(g, expr.target, delta, post=False)
    pointer = places.pointer_to(g, expr.target)
    left = g.normalise(places.load_from(g, expr.target, pointer), expr.work)
    result = g.normalise(operate(g, expr.op, left, right, expr.work), expr.target.type)
    places.store_into(g, expr.target, pointer, result)
    return places.kept(g, expr.target, result)


def _step(g: Generator, expr: tree.Step) -> Value:
    """`++` and `--`; atomic on globals, as the manual asks of none but people expect."""
    target = expr.target
    if isinstance(target, tree.Element):
        return arrays.step(g, expr)
    if _is_shared_word(target) and target.type.size in (4, 8):
        return _atomic_add(g, target, const(expr.delta), post=expr.post)
    pointer = places.pointer_to(g, target)
    old = places.load_from(g, target, pointer)
    new = g.normalise(g.f.op("add", old, expr.delta), target.type)
    places.store_into(g, target, pointer, new)
    return old if expr.post else places.kept(g, target, new)


def _atomic_add(g: Generator, target: tree.Expr, delta: Value, *, post: bool) -> Value:
    assert isinstance(target, tree.VariableRef)
    f = g.f
    pointer = g.bss(g.unit.layout.globals[target.variable])
    size = target.type.size
    amount = delta if size == 8 else f.trunc(delta, "i32")
    old = f.atomic("add", pointer, amount)
    if size == 4:
        old = f.sext(old, "i64") if is_signed(target.type) else f.zext(old, "i64")
    return old if post else g.normalise(f.op("add", old, delta), target.type)
