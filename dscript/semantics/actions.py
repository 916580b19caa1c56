"""Actions: argument rules of each, and the typed action calls that lowering records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dscript.builtins.actions import ACTIONS, MANY
from dscript.builtins.formats import (
    Argument,
    ArgumentKind,
    FormatError,
    check_arguments,
    parse_format,
)
from dscript.dtypes.types import (
    INT,
    LONG,
    ULONG,
    VOID,
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    PointerType,
    StringType,
    Type,
    TypedefType,
    VoidType,
    is_char_data,
    is_integral,
    is_scalar,
)
from dscript.errors import Diagnostic
from dscript.program import Conversion
from dscript.semantics import operators, tree
from dscript.semantics.aggregations import find_aggregation
from dscript.semantics.packets import check_pcap
from dscript.semantics.tree import ActionCall, Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

if TYPE_CHECKING:
    from dscript.semantics.expressions import ExpressionChecker

Handler = Callable[["ExpressionChecker", ast.Call], Expr]


def check_action(checker: ExpressionChecker, node: ast.Call) -> Expr:
    description = ACTIONS[node.name]
    given = len(node.args)
    if not description.required <= given <= description.allowed:
        raise _arity(node, description.required, description.allowed)
    if description.destructive and not checker.environment.settings.destructive:
        raise Diagnostic(
            "D_DESTRUCTIVE",
            f"{node.name}( ) is a destructive action: destructive actions are not allowed",
            node.span,
            "permit them with -w or #pragma D option destructive",
        )
    return _HANDLERS[node.name](checker, node)


# Actions whose own code counts the arguments; the others have a prototype (D_PROTO_LEN).
_PROTO_TAGS = {
    "clear": "D_CLEAR_PROTO",
    "denormalize": "D_DENORMALIZE_PROTO",
    "normalize": "D_NORMALIZE_PROTO",
    "stack": "D_STACK_PROTO",
    "trunc": "D_TRUNC_PROTO",
    "ustack": "D_USTACK_PROTO",
}


def _arity(node: ast.Call, required: int, allowed: int) -> Diagnostic:
    if allowed == required:
        wanted = f"{required} expected"
    elif allowed == MANY:
        wanted = f"at least {required} expected"
    else:
        wanted = f"{required} to {allowed} expected"
    given = len(node.args)
    tag = _PROTO_TAGS.get(node.name, "D_PROTO_LEN")
    if node.name == "tracemem" and given > allowed:
        tag = "D_TRACEMEM_ARGS"
    return Diagnostic(
        tag,
        f"{node.name}( ) prototype mismatch: {given} arg{'' if given == 1 else 's'} passed, "
        f"{wanted}",
        node.span,
    )


def _void(node: ast.Call, kind: str, *args: Expr, **rest: object) -> ActionCall:
    return ActionCall(VOID, node.span, kind, tuple(args), **rest)  # type: ignore[arg-type]


# ------------------------------------------------------------------------- tracing data


def _trace(checker: ExpressionChecker, node: ast.Call) -> Expr:
    if isinstance(node.args[0], ast.AggregationRef):
        raise Diagnostic(
            "D_TRACE_AGG",
            "trace( ) may not be applied to an aggregation",
            node.span,
            "print one with printa( )",
        )
    value = checker.check(node.args[0])
    if isinstance(value, (tree.StackValue, tree.SymbolValue)):
        return record_of_value(node, value)
    if isinstance(value.type.resolve(), FunctionType):
        value = operators.decay(value)
    if isinstance(value.type.resolve(), VoidType):
        raise Diagnostic(
            "D_TRACE_VOID", "trace( ) may not be applied to a void expression", node.span
        )
    return _void(node, "trace", value)


def record_of_value(node: ast.Call, value: Expr) -> Expr:
    """`trace(stack())` and `trace(sym(x))` act as the actions of that name."""
    if isinstance(value, tree.StackValue):
        return _void(node, value.kind, value)
    return _void(node, "symbol", value)


def _tracemem(checker: ExpressionChecker, node: ast.Call) -> Expr:
    address = operators.decay(checker.check(node.args[0]))
    if operators.is_string(address):
        address = tree.AddressOf(ULONG, address.span, address)
    if not is_scalar(address.type):
        raise Diagnostic(
            "D_TRACEMEM_ADDR",
            "tracemem( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: pointer or integer\n\t argument: {describe(address.type)}",
            node.args[0].span,
        )
    size = checker.check(node.args[1])
    if not isinstance(size, tree.Const) or not is_integral(size.type) or not 0 < size.value <= 8192:
        raise Diagnostic(
            "D_TRACEMEM_SIZE",
            "tracemem( ) argument #2 must be a non-zero positive integral constant expression",
            node.args[1].span,
        )
    args = [operators.convert(address, ULONG)]
    if len(node.args) == 3:
        shown = checker.check(node.args[2])
        if not is_integral(shown.type):
            raise Diagnostic(
                "D_TRACEMEM_DYNSIZE",
                "tracemem( ) argument #3 is incompatible with prototype:\n"
                f"\tprototype: integer\n\t argument: {describe(shown.type)}",
                node.args[2].span,
            )
        args.append(operators.convert(shown, LONG))
    return _void(node, "tracemem", *args, count=size.value)


def _print(checker: ExpressionChecker, node: ast.Call) -> Expr:
    if isinstance(node.args[0], ast.AggregationRef):
        raise Diagnostic("D_PRINT_AGG", "print( ) may not be applied to an aggregation", node.span)
    value = checker.check(node.args[0])
    if isinstance(value.type.resolve(), VoidType):
        raise Diagnostic(
            "D_PRINT_VOID", "print( ) may not be applied to a void expression", node.span
        )
    return _void(node, "print", value, text=describe(value.type))


def _format(
    checker: ExpressionChecker, node: ast.Call, formatted: ast.Expr
) -> tuple[Conversion, ...]:
    text = checker.check(formatted)
    if not isinstance(text, tree.Text):
        raise Diagnostic(
            # system() and freopen() share the rules of printf().
            "D_PRINTA_ARG_FMT" if node.name == "printa" else "D_PRINTF_ARG_FMT",
            f"{node.name}( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: string constant\n\t argument: {describe(text.type)}",
            formatted.span,
        )
    if not text.value and node.name != "freopen":  # freopen("") gives back standard output
        raise Diagnostic(
            "D_PRINTF_FMT_EMPTY", f"{node.name}( ) format string is empty", formatted.span
        )
    if text.value == b"." and node.name == "freopen":
        raise Diagnostic("D_FREOPEN_INVALID", 'freopen( ) cannot open "."', formatted.span)
    try:
        return parse_format(text.value)
    except FormatError as error:
        raise Diagnostic(error.tag, error.message, formatted.span) from None


def argument_kind(expr: Expr) -> ArgumentKind:
    """How the format checker sees a value."""
    if isinstance(expr, tree.StackValue):
        return "stack"
    if isinstance(expr, tree.SymbolValue):
        return expr.kind  # type: ignore[return-value]
    type_ = expr.type.resolve()
    if isinstance(type_, StringType):
        return "string"
    if isinstance(type_, EnumType):
        return "enum"
    if is_integral(type_):
        return "int"
    if isinstance(type_, PointerType):
        return "pointer"
    if isinstance(type_, FloatType):
        return "float"
    if isinstance(type_, ArrayType):
        return "char_array" if is_char_data(type_) else "wchar_array"
    return "other"


def _printf(checker: ExpressionChecker, node: ast.Call) -> Expr:
    conversions = _format(checker, node, node.args[0])
    args = [_printed(checker, arg) for arg in node.args[1:]]
    kinds = [Argument(argument_kind(arg), describe(arg.type), arg.type.size) for arg in args]
    try:
        check_arguments(conversions, kinds, node.name)
    except FormatError as error:
        span = node.span if error.argument is None else node.args[1 + error.argument].span
        raise Diagnostic(error.tag, error.message, span) from None
    return _void(node, node.name, *_as_strings(checker, args), format=conversions)


def _printed(checker: ExpressionChecker, arg: ast.Expr) -> Expr:
    if isinstance(arg, ast.AggregationRef):
        raise Diagnostic(
            "D_PRINTF_AGG_CONV",
            "an aggregation is not for use with printf( )",
            arg.span,
            "print one with printa( )",
        )
    value = checker.check(arg)
    if isinstance(value.type.resolve(), (ArrayType, FunctionType)) and not is_char_data(value.type):
        return operators.decay(value)
    return value


def _as_strings(checker: ExpressionChecker, args: Sequence[Expr]) -> list[Expr]:
    string = checker.environment.string
    return [
        operators.to_string(arg, string) if argument_kind(arg) == "char_array" else arg
        for arg in args
    ]


# ------------------------------------------------------------------------- aggregations


def _aggregation(
    checker: ExpressionChecker, node: ast.Call, at: int = 0
) -> tree.AggregationVariable:
    arg = node.args[at]
    upper = node.name.upper()
    if not isinstance(arg, ast.AggregationRef):
        raise Diagnostic(
            f"D_{upper}_AGGARG",
            f"{node.name}( ) argument #{at + 1} is incompatible with prototype:\n"
            "\tprototype: aggregation\n\t argument: " + describe(checker.check(arg).type),
            arg.span,
        )
    return find_aggregation(checker.environment, arg, f"D_{upper}_AGGBAD")


def _printa(checker: ExpressionChecker, node: ast.Call) -> Expr:
    first = node.args[0]
    conversions: tuple[Conversion, ...] | None = None
    start = 0
    if not isinstance(first, ast.AggregationRef):
        if not operators.is_string(checker.check(first)):
            _aggregation(checker, node)  # refuses it
        conversions = _format(checker, node, first)
        start = 1
    if len(node.args) == start:
        raise Diagnostic(
            "D_PRINTA_PROTO",
            "printa( ) prototype mismatch: 1 arg passed, at least 2 expected",
            node.span,
        )
    aggregations = tuple(_aggregation(checker, node, at) for at in range(start, len(node.args)))
    _check_same_keys(node, aggregations, start)
    if conversions is not None:
        _check_printa_format(checker, node, conversions, aggregations)
    return _void(node, "printa", format=conversions, aggregations=aggregations)


def _check_same_keys(
    node: ast.Call, aggregations: Sequence[tree.AggregationVariable], start: int
) -> None:
    head = aggregations[0]
    for at, other in enumerate(aggregations[1:], start + 1):
        if len(other.keys) != len(head.keys):
            raise Diagnostic(
                "D_PRINTA_AGGKEY",
                f"printa( ) @{other.name} key prototype mismatch: @{head.name} has "
                f"{len(head.keys)} keys, @{other.name} has {len(other.keys)}",
                node.args[at].span,
            )
        for number, (one, two) in enumerate(zip(head.keys, other.keys, strict=True), 1):
            kinds = (head.key_kinds[number - 1], other.key_kinds[number - 1])
            if not _same_key(one, two, kinds):
                raise Diagnostic(
                    "D_PRINTA_AGGPROTO",
                    f"printa( ) @{other.name} key #{number} is incompatible with @{head.name}:\n"
                    f"\t@{head.name} key #{number}: {describe(one)}\n"
                    f"\t@{other.name} key #{number}: {describe(two)}",
                    node.args[at].span,
                )


def _same_key(one: Type, two: Type, kinds: tuple[str, str]) -> bool:
    """Whether two keys mean the same, so that rows can be joined by them."""
    texts = {"string", "probe"}
    if kinds[0] != kinds[1]:
        return set(kinds) <= texts
    return kinds[0] != "int" or is_scalar(one) == is_scalar(two)


def _check_printa_format(
    checker: ExpressionChecker,
    node: ast.Call,
    conversions: tuple[Conversion, ...],
    aggregations: Sequence[tree.AggregationVariable],
) -> None:
    head = aggregations[0]
    kinds = []
    for type_, kind in zip(head.keys, head.key_kinds, strict=True):
        seen: ArgumentKind = {"stack": "stack", "ustack": "stack"}.get(kind, kind)  # type: ignore[assignment]
        if kind in ("int", "string", "probe"):
            stand_in = Expr(type_, node.span)
            seen = argument_kind(stand_in)
        kinds.append(Argument(seen, describe(type_), type_.size))
    try:
        check_arguments(conversions, kinds, "printa", first=1, exact=False, takes_aggregation=True)
    except FormatError as error:
        raise Diagnostic(error.tag, error.message, node.args[0].span) from None


def _on_aggregation(checker: ExpressionChecker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    return _void(node, node.name, aggregations=(aggregation,))


def _trunc(checker: ExpressionChecker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    args: list[Expr] = []
    if len(node.args) == 2:
        count = checker.check(node.args[1])
        if not is_integral(count.type):
            raise _not_scalar(node, 2, count, "D_TRUNC_SCALAR")
        args.append(operators.convert(count, LONG))
    return _void(node, "trunc", *args, aggregations=(aggregation,))


def _normalize(checker: ExpressionChecker, node: ast.Call) -> Expr:
    aggregation = _aggregation(checker, node)
    factor = checker.check(node.args[1])
    if not is_integral(factor.type):
        raise _not_scalar(node, 2, factor, "D_NORMALIZE_SCALAR")
    return _void(node, "normalize", operators.convert(factor, LONG), aggregations=(aggregation,))


def _not_scalar(node: ast.Call, number: int, arg: Expr, tag: str) -> Diagnostic:
    return Diagnostic(
        tag,
        f"{node.name}( ) argument #{number} must be of scalar type, not {describe(arg.type)}",
        arg.span,
    )


# -------------------------------------------------------------------- stacks and symbols

# What these actions give has no value that an expression could compute with: printed, or the
# key of an aggregation.  In messages the types go by the names that DTrace's own have.
STACK = TypedefType("stack", VOID)
SYMBOL = TypedefType("_symaddr", VOID)
USER_SYMBOL = TypedefType("_usymaddr", VOID)


def _frames(checker: ExpressionChecker, node: ast.Call, at: int, default: int, tag: str) -> int:
    if len(node.args) <= at:
        return default
    value = checker.check(node.args[at])
    if not isinstance(value, tree.Const) or value.value < 0 or (at == 0 and value.value == 0):
        raise Diagnostic(
            tag,
            f"{node.name}( ) argument #{at + 1} must be a non-zero positive integer constant",
            node.args[at].span,
        )
    if at == 0 and value.value > 127:
        raise Diagnostic(
            tag, f"{node.name}( ) takes at most 127 frames, the kernel's limit", node.args[at].span
        )
    return value.value


def stack_value(checker: ExpressionChecker, node: ast.Call) -> tree.StackValue:
    settings = checker.environment.settings
    if node.name == "stack":
        frames = _frames(checker, node, 0, settings.stackframes, "D_STACK_SIZE")
        return tree.StackValue(STACK, node.span, "stack", frames)
    java = node.name == "jstack"
    frames = settings.jstackframes if java else settings.ustackframes
    frames = _frames(checker, node, 0, frames, "D_USTACK_FRAMES")
    strsize = settings.jstackstrsize if java else 0
    strsize = _frames(checker, node, 1, strsize, "D_USTACK_STRSIZE")
    return tree.StackValue(STACK, node.span, "ustack", frames, strsize)


def _stack(checker: ExpressionChecker, node: ast.Call) -> Expr:
    return stack_value(checker, node)


def _symbol(checker: ExpressionChecker, node: ast.Call) -> Expr:
    address = operators.decay(checker.check(node.args[0]))
    if not is_scalar(address.type):
        raise Diagnostic(
            "D_PROTO_ARG",
            f"{node.name}( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: pointer or integer\n\t argument: {describe(address.type)}",
            node.args[0].span,
        )
    type_ = USER_SYMBOL if node.name.startswith("u") else SYMBOL
    return tree.SymbolValue(type_, node.span, node.name, operators.convert(address, ULONG))


# ------------------------------------------------------------------------------- others


def _exit(checker: ExpressionChecker, node: ast.Call) -> Expr:
    status = checker.check(node.args[0])
    if not is_integral(status.type):
        raise Diagnostic(
            "D_PROTO_ARG",
            "exit( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: int\n\t argument: {describe(status.type)}",
            node.args[0].span,
        )
    return _void(node, "exit", operators.convert(status, INT))


def _setopt(checker: ExpressionChecker, node: ast.Call) -> Expr:
    string = checker.environment.string
    args = []
    for number, arg in enumerate(node.args, 1):
        value = checker.check(arg)
        if not operators.is_string_like(value):
            raise Diagnostic(
                "D_PROTO_ARG",
                f"setopt( ) argument #{number} is incompatible with prototype:\n"
                f"\tprototype: string\n\t argument: {describe(value.type)}",
                arg.span,
            )
        args.append(operators.to_string(value, string))
    return _void(node, "setopt", *args)


def _raise(checker: ExpressionChecker, node: ast.Call) -> Expr:
    signal = checker.check(node.args[0])
    if not is_integral(signal.type):
        raise _not_scalar(node, 1, signal, "D_PROTO_ARG")
    return _void(node, "raise", operators.convert(signal, INT))


def _no_arguments(checker: ExpressionChecker, node: ast.Call) -> Expr:
    return _void(node, node.name)


def _chill(checker: ExpressionChecker, node: ast.Call) -> Expr:
    time = checker.check(node.args[0])
    if not is_integral(time.type):
        raise _not_scalar(node, 1, time, "D_PROTO_ARG")
    return _void(node, "chill", operators.convert(time, ULONG))


def _speculation(checker: ExpressionChecker, node: ast.Call) -> Expr:
    which = checker.check(node.args[0])
    if not is_integral(which.type):
        raise _not_scalar(node, 1, which, "D_PROTO_ARG")
    return _void(node, node.name, operators.convert(which, INT))


_HANDLERS: dict[str, Handler] = {
    "trace": _trace,
    "tracemem": _tracemem,
    "pcap": check_pcap,
    "printf": _printf,
    "printa": _printa,
    "print": _print,
    "stack": _stack,
    "ustack": _stack,
    "jstack": _stack,
    "sym": _symbol,
    "func": _symbol,
    "mod": _symbol,
    "usym": _symbol,
    "ufunc": _symbol,
    "umod": _symbol,
    "uaddr": _symbol,
    "exit": _exit,
    "clear": _on_aggregation,
    "trunc": _trunc,
    "normalize": _normalize,
    "denormalize": _on_aggregation,
    "setopt": _setopt,
    "freopen": _printf,
    "ftruncate": _no_arguments,
    "system": _printf,
    "raise": _raise,
    "stop": _no_arguments,
    "chill": _chill,
    "breakpoint": _no_arguments,
    "panic": _no_arguments,
    "speculate": _speculation,
    "commit": _speculation,
    "discard": _speculation,
}
