"""Aggregations: `@name[keys] = function(args)` and the agreement of all its uses."""

from __future__ import annotations

from dscript.builtins.actions import ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import SUBROUTINES
from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.dtypes.types import (
    LONG,
    ULONG,
    VOID,
    StringType,
    Type,
    VoidType,
    is_integral,
    is_scalar,
    is_signed,
)
from dscript.errors import Diagnostic
from dscript.program import AggregationFunction
from dscript.semantics import conversions, tree
from dscript.semantics.base import Checker
from dscript.semantics.environment import Environment, suggestion
from dscript.semantics.tree import AggregationVariable, Expr, KeyKind, KeyPart, capacity
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def find_aggregation(
    environment: Environment, node: ast.AggregationRef, tag: str
) -> AggregationVariable:
    """The aggregation an action names."""
    found = environment.aggregations.get(node.name)
    if found is None:
        raise Diagnostic(
            tag,
            f"undefined aggregation: @{node.name}",
            node.span,
            suggestion(f"@{node.name}", [f"@{name}" for name in environment.aggregations]),
        )
    if node.keys is not None:
        raise Diagnostic(
            "D_AGG_NULL" if not node.keys else "D_SYNTAX",
            f"an action takes the whole aggregation @{node.name}, without keys",
            node.span,
        )
    return found


class AggregationType(Type):
    """The type of an aggregation where a value stands: none that an operator takes."""

    @property
    def size(self) -> int:
        return 0

    def __str__(self) -> str:
        return "<DYN>"


AGGREGATION = AggregationType()


def as_value(node: ast.AggregationRef) -> Expr:
    """An aggregation as an operand: what it is given to refuses it by its type."""
    return Expr(AGGREGATION, node.span)


def multidimensional(node: ast.AggregationRef) -> Diagnostic:
    return Diagnostic(
        "D_AGG_MDIM",
        f"cannot dereference aggregation @{node.name} as a multi-dimensional array",
        node.span,
        f"write the keys in one list: @{node.name}[a, b]",
    )


def check_update(checker: Checker, node: ast.Assign) -> Expr:
    """An assignment whose target is an aggregation."""
    target, call = node.target, node.value
    assert isinstance(target, ast.AggregationRef)
    if node.op != "=" or not isinstance(call, ast.Call) or call.name not in AGGREGATING_FUNCTIONS:
        known = isinstance(call, ast.Call) and call.name not in AGGREGATING_FUNCTIONS
        functions = (AGGREGATING_FUNCTIONS, ACTIONS, SUBROUTINES)
        if isinstance(call, ast.Call) and not any(call.name in table for table in functions):
            checker.check(call)  # no function at all, and says so
        raise Diagnostic(
            "D_AGG_FUNC" if node.op == "=" else "D_OP_LVAL",
            f"@{target.name} may only be assigned the result of an aggregating function "
            f"such as count( )",
            call.span if known else node.span,
            suggestion(call.name, AGGREGATING_FUNCTIONS)
            if isinstance(call, ast.Call) and known
            else f"write @{target.name} = count()",
        )
    if target.keys == ():
        raise Diagnostic(
            "D_AGG_NULL", "null key is not allowed: write the aggregation without [ ]", target.span
        )
    keys = tuple(_key(checker, key) for key in target.keys or ())
    function = AGGREGATING_FUNCTIONS[call.name].name
    aggregation = _declare(checker.environment, target, function, keys)
    keys = tuple(_match_key(checker, aggregation, at, key) for at, key in enumerate(keys))
    value, weight = _arguments(checker, call, aggregation)
    aggregation.weighted |= weight is not None
    return tree.AggregationUpdate(VOID, node.span, aggregation, keys, value, weight)


# ------------------------------------------------------------------------------- keys


def _key(checker: Checker, node: ast.Expr) -> Expr:
    key = checker.check(node)
    if isinstance(key, (tree.StackValue, tree.SymbolValue)):
        return key
    if conversions.is_string_like(key):
        return conversions.to_string(key, checker.environment.string)
    key = conversions.decay(key)
    if is_scalar(key.type):
        return key
    shown = "void" if isinstance(key.type.resolve(), VoidType) else describe(key.type)
    raise Diagnostic("D_KEY_TYPE", f"aggregation key may not be of type {shown}", node.span)


def _kind(key: Expr) -> KeyKind:
    if isinstance(key, tree.StackValue):
        return key.kind
    if isinstance(key, tree.SymbolValue):
        return key.kind
    if isinstance(key.type.resolve(), StringType):
        return "string"
    return "int"


def _part(key: Expr) -> KeyPart:
    builtin = BUILTIN_VARIABLES.get(key.name) if isinstance(key, tree.Builtin) else None
    return (builtin.part or "") if builtin is not None else ""


def _declare(
    environment: Environment,
    node: ast.AggregationRef,
    function: AggregationFunction,
    keys: tuple[Expr, ...],
) -> AggregationVariable:
    found = environment.aggregations.get(node.name)
    if found is None:
        found = AggregationVariable(node.name, len(environment.aggregations))
        environment.aggregations[node.name] = found
    if not found.function:
        found.function = function
        for key in keys:
            string = _kind(key) == "string"
            stands = isinstance(key, (tree.StackValue, tree.SymbolValue))
            found.keys.append(environment.string if string else ULONG if stands else key.type)
            found.key_kinds.append(_kind(key))
            found.key_capacities.append(0)
            found.key_frames.append(key.frames if isinstance(key, tree.StackValue) else 0)
            found.key_parts.append(_part(key))
        return found
    if found.function != function:
        raise Diagnostic(
            "D_AGG_REDEF",
            f"aggregation redefined: @{node.name}\n\t current: @{node.name} = {function}( )\n"
            f"\tprevious: @{node.name} = {found.function}( )",
            node.span,
        )
    if len(found.keys) != len(keys):
        raise Diagnostic(
            "D_PROTO_LEN",
            f"@{node.name}[ ] prototype mismatch: {len(keys)} key{'' if len(keys) == 1 else 's'} "
            f"passed, {len(found.keys)} expected",
            node.span,
        )
    return found


def _match_key(checker: Checker, aggregation: AggregationVariable, at: int, key: Expr) -> Expr:
    kind = _kind(key)
    if kind != aggregation.key_kinds[at]:
        raise Diagnostic(
            "D_PROTO_ARG",
            f"@{aggregation.name}[ ] key #{at + 1} is incompatible with prototype:\n"
            f"\tprototype: {_shown(aggregation, at)}\n\t argument: "
            + (kind if isinstance(key, tree.StackValue) else describe(key.type)),
            key.span,
        )
    if kind == "string":
        limit = checker.environment.settings.strsize
        capacities = aggregation.key_capacities
        capacities[at] = max(capacities[at], min(capacity(key), limit))
        if _part(key) != aggregation.key_parts[at]:
            aggregation.key_parts[at] = ""
        return key
    if isinstance(key, tree.StackValue):
        aggregation.key_frames[at] = max(aggregation.key_frames[at], key.frames)
        return key
    if kind == "int":
        return conversions.convert(key, aggregation.keys[at])
    return key


def _shown(aggregation: AggregationVariable, at: int) -> str:
    kind = aggregation.key_kinds[at]
    return describe(aggregation.keys[at]) if kind == "int" else kind


# -------------------------------------------------------------------------- arguments


def _arguments(
    checker: Checker, call: ast.Call, aggregation: AggregationVariable
) -> tuple[Expr | None, Expr | None]:
    _, least, most = AGGREGATING_FUNCTIONS[call.name]
    given = len(call.args)
    if not least <= given <= most:
        wanted = str(most) if least == most else f"{least} to {most}"
        raise Diagnostic(
            "D_PROTO_LEN",
            f"{call.name}( ) prototype mismatch: {given} arg{'' if given == 1 else 's'} passed, "
            f"{wanted} expected",
            call.span,
        )
    if call.name == "count":
        return None, None
    value = _integer(checker, call, 0)
    if call.name == "quantize":
        weight = _integer(checker, call, 1) if given == 2 else None
        return conversions.convert(value, LONG), weight
    if call.name in ("lquantize", "llquantize"):
        params, weight = (_lquantize if call.name == "lquantize" else _llquantize)(checker, call)
        _agree(aggregation, params, call)
        return conversions.convert(value, LONG), weight
    if not aggregation.used:
        aggregation.signed = is_signed(value.type)
    aggregation.used = True
    return conversions.convert(value, LONG), None


def _integer(checker: Checker, call: ast.Call, at: int) -> Expr:
    value = conversions.decay(checker.check(call.args[at]))
    if not is_scalar(value.type):
        raise Diagnostic(
            "D_PROTO_ARG" if at else "D_AGG_SCALAR",
            f"{call.name}( ) argument #{at + 1} must be of scalar type, not {describe(value.type)}",
            call.args[at].span,
        )
    return conversions.convert(value, LONG) if at else value


def _constant(checker: Checker, call: ast.Call, at: int, tag: str, what: str) -> int:
    value = checker.check(call.args[at])
    if not isinstance(value, tree.Const) or not is_integral(value.type):
        raise Diagnostic(
            tag,
            f"{call.name}( ) argument #{at + 1} ({what}) must be an integer constant",
            call.args[at].span,
        )
    return value.value


def _range(value: int, tag: str, call: ast.Call, what: str) -> None:
    if not -(1 << 31) <= value < (1 << 31):
        raise Diagnostic(tag, f"{call.name}( ) {what} must be a 32-bit quantity", call.span)


def _lquantize(checker: Checker, call: ast.Call) -> tuple[tuple[int, ...], Expr | None]:
    base = _constant(checker, call, 1, "D_LQUANT_BASETYPE", "base")
    limit = _constant(checker, call, 2, "D_LQUANT_LIMTYPE", "limit")
    step = 1
    if len(call.args) >= 4:
        step = _constant(checker, call, 3, "D_LQUANT_STEPTYPE", "step")
    _range(base, "D_LQUANT_BASEVAL", call, "base (argument #2)")
    _range(limit, "D_LQUANT_LIMVAL", call, "limit (argument #3)")
    if limit <= base:
        raise Diagnostic(
            "D_LQUANT_MISMATCH",
            "lquantize( ) base (argument #2) must be less than limit (argument #3)",
            call.span,
        )
    if not 1 <= step < (1 << 16):
        raise Diagnostic(
            "D_LQUANT_STEPVAL",
            "lquantize( ) step (argument #4) must be a non-zero positive 16-bit quantity",
            call.span,
        )
    levels = (limit - base) // step
    if levels == 0:
        raise Diagnostic(
            "D_LQUANT_STEPLARGE",
            "lquantize( ) step (argument #4) too large: must have at least one quantization level",
            call.span,
        )
    if levels > 0xFFFF:
        raise Diagnostic(
            "D_LQUANT_STEPSMALL",
            f"lquantize( ) step (argument #4) too small: number of quantization levels must be "
            f"a 16-bit quantity, not {levels}",
            call.span,
        )
    weight = _integer(checker, call, 4) if len(call.args) == 5 else None
    return (base, limit, step), weight


def _llquantize(checker: Checker, call: ast.Call) -> tuple[tuple[int, ...], Expr | None]:
    names = ("factor", "low magnitude", "high magnitude", "steps per magnitude")
    tags = ("FACTOR", "LOW", "HIGH", "NSTEP")
    factor, low, high, steps = (
        _constant(checker, call, at + 1, f"D_LLQUANT_{tags[at]}TYPE", names[at]) for at in range(4)
    )
    for at, value in enumerate((factor, low, high, steps)):
        if not 0 <= value < 1 << 16:
            what = f"{names[at]} (argument #{at + 2}) must be an unsigned 16-bit quantity"
            raise _llquant(f"{tags[at]}VAL", what, call)
    _check_llquantize(call, factor, low, high, steps)
    weight = _integer(checker, call, 5) if len(call.args) == 6 else None
    return (factor, low, high, steps), weight


def _check_llquantize(call: ast.Call, factor: int, low: int, high: int, steps: int) -> None:
    """What the parameters must be to each other."""
    if factor < 2:
        raise _llquant("FACTORSMALL", "factor (argument #2) must be two or more", call)
    if low >= high:
        raise _llquant(
            "MAGRANGE",
            "high magnitude (argument #4) must be greater than low magnitude (argument #3)",
            call,
        )
    if steps < factor:
        raise _llquant(
            "FACTORNSTEPS",
            "factor (argument #2) must be less than or equal to the "
            "number of steps per magnitude (argument #5)",
            call,
        )
    power = factor
    while power < steps:
        power *= factor
    if steps % factor or power % steps:
        raise _llquant(
            "FACTOREVEN",
            "factor (argument #2) must divide the number of steps per magnitude (argument #5), "
            "and that number a power of the factor",
            call,
        )
    if high * _log2(factor) >= 63:
        raise _llquant(
            "MAGTOOBIG", f"factor {factor} to the power of {high} overflows 64 bits", call
        )
    if (high - low + 1) * steps > 4000:
        raise _llquant("NSTEPVAL", "has too many buckets: at most 4000 are possible", call)


def _log2(value: int) -> float:
    from math import log2

    return log2(value)


def _llquant(tag: str, what: str, call: ast.Call) -> Diagnostic:
    return Diagnostic(f"D_LLQUANT_{tag}", f"llquantize( ) {what}", call.span)


# Tags of parameters that are not those of an earlier use.
_MATCHES = {
    "lquantize": ("D_LQUANT_MATCHBASE", "D_LQUANT_MATCHLIM", "D_LQUANT_MATCHSTEP"),
    "llquantize": (
        *("D_LLQUANT_FACTORMATCH", "D_LLQUANT_LOWMATCH"),
        *("D_LLQUANT_HIGHMATCH", "D_LLQUANT_NSTEPMATCH"),
    ),
}


def _agree(aggregation: AggregationVariable, params: tuple[int, ...], call: ast.Call) -> None:
    if not aggregation.params:
        aggregation.params = params
        return
    names = (
        ("base", "limit", "step")
        if call.name == "lquantize"
        else ("factor", "low", "high", "steps")
    )
    for at, (old, new) in enumerate(zip(aggregation.params, params, strict=True)):
        if old != new:
            raise Diagnostic(
                _MATCHES[call.name][at],
                f"{call.name}( ) {names[at]} (argument #{at + 2}) doesn't match previous "
                f"declaration of @{aggregation.name}: {new}, not {old}",
                call.span,
            )


def layout_of(aggregation: AggregationVariable) -> int:
    """Words of a value (see `program.Aggregation`)."""
    fixed = {"count": 1, "sum": 1, "avg": 2, "min": 2, "max": 2, "stddev": 4, "quantize": 127}
    if aggregation.function == "sum" and not aggregation.keys:
        return 2
    if aggregation.function in fixed:
        return fixed[aggregation.function]
    if aggregation.function == "lquantize":
        base, limit, step = aggregation.params
        return (limit - base) // step + 2
    return llquantize_buckets(aggregation.params) + 2


def llquantize_buckets(params: tuple[int, ...]) -> int:
    """Buckets between the underflow and the overflow one (manual, "llquantize")."""
    factor, low, high, steps = params
    count = 0
    for magnitude in range(low, high + 1):
        in_magnitude = min(factor ** (magnitude + 1), steps)
        count += in_magnitude - in_magnitude // factor
    return count
