"""Actions: argument rules of each, and the typed action calls that lowering records."""

from __future__ import annotations

from collections.abc import Callable

from dscript.builtins.actions import ACTIONS, MANY
from dscript.dtypes.types import INT, LONG, ULONG, FunctionType, VoidType, is_integral, is_scalar
from dscript.errors import Diagnostic
from dscript.semantics import conversions, tree
from dscript.semantics.action_calls import not_scalar, void_call
from dscript.semantics.aggregation_actions import (
    check_normalize,
    check_on_aggregation,
    check_printa,
    check_trunc,
)
from dscript.semantics.base import Checker
from dscript.semantics.derived import is_translated_pointer
from dscript.semantics.formatted_actions import check_printf
from dscript.semantics.packets import check_pcap
from dscript.semantics.stack_values import stack_value, symbol_value
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

Handler = Callable[[Checker, ast.Call], Expr]

# Bytes that one tracemem() records: its record lies in the ring in one piece.
_MOST_MEMORY = 1 << 16


def check_action(checker: Checker, node: ast.Call) -> Expr:
    description = ACTIONS[node.name]
    given = len(node.args)
    if not description.required <= given <= description.allowed:
        raise _arity(node, description.required, description.allowed)
    action = _HANDLERS[node.name](checker, node)
    if description.destructive and not checker.environment.settings.destructive:
        raise Diagnostic(
            "D_DESTRUCTIVE",
            f"{node.name}( ) is a destructive action: destructive actions are not allowed",
            node.span,
            "permit them with -w or #pragma D option destructive",
        )
    return action


# Actions whose own code counts the arguments; the others have a prototype (D_PROTO_LEN).
_PROTO_TAGS = {
    "clear": "D_CLEAR_PROTO",
    "denormalize": "D_DENORMALIZE_PROTO",
    "jstack": "D_USTACK_PROTO",
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


# ------------------------------------------------------------------------- tracing data


def _trace(checker: Checker, node: ast.Call) -> Expr:
    if isinstance(node.args[0], ast.AggregationRef):
        raise Diagnostic(
            "D_TRACE_AGG",
            "trace( ) may not be applied to an aggregation",
            node.span,
            "print one with printa( )",
        )
    _not_translated(checker, node, "D_TRACE_DYN")
    value = checker.check(node.args[0])
    if isinstance(value, (tree.StackValue, tree.SymbolValue)):
        return record_of_value(node, value)
    if isinstance(value.type.resolve(), FunctionType):
        value = conversions.decay(value)
    if isinstance(value.type.resolve(), VoidType):
        raise Diagnostic(
            "D_TRACE_VOID", "trace( ) may not be applied to a void expression", node.span
        )
    return void_call(node, "trace", value)


def _not_translated(checker: Checker, node: ast.Call, tag: str) -> None:
    """Of a translation there are only members: the pointer to it is no value to record."""
    if is_translated_pointer(checker, node.args[0]):
        raise Diagnostic(
            tag,
            f"{node.name}( ) may not be applied to a translated pointer",
            node.args[0].span,
            "name a member with ->",
        )


def record_of_value(node: ast.Call, value: Expr) -> Expr:
    """`trace(stack())` and `trace(sym(x))` act as the actions of that name."""
    if isinstance(value, tree.StackValue):
        return void_call(node, value.kind, value)
    return void_call(node, "symbol", value)


def _tracemem(checker: Checker, node: ast.Call) -> Expr:
    address = conversions.decay(checker.check(node.args[0]))
    if conversions.is_string(address):
        address = tree.AddressOf(ULONG, address.span, address)
    if not is_scalar(address.type):
        raise Diagnostic(
            "D_TRACEMEM_ADDR",
            "tracemem( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: pointer or integer\n\t argument: {describe(address.type)}",
            node.args[0].span,
        )
    size = checker.check(node.args[1])
    if not isinstance(size, tree.Const) or not is_integral(size.type) or size.value <= 0:
        raise Diagnostic(
            "D_TRACEMEM_SIZE",
            "tracemem( ) argument #2 must be a non-zero positive integral constant expression",
            node.args[1].span,
        )
    if size.value > _MOST_MEMORY:
        raise Diagnostic(
            "D_TRACEMEM_SIZE",
            f"tracemem( ) argument #2 may be at most {_MOST_MEMORY} bytes",
            node.args[1].span,
            "trace it in parts",
        )
    args = [address]
    if not tree.is_user_pointer(address.type):
        args = [conversions.convert(address, ULONG)]
    if len(node.args) == 3:
        shown = checker.check(node.args[2])
        if not is_integral(shown.type):
            raise Diagnostic(
                "D_TRACEMEM_DYNSIZE",
                "tracemem( ) argument #3 is incompatible with prototype:\n"
                f"\tprototype: integer\n\t argument: {describe(shown.type)}",
                node.args[2].span,
            )
        args.append(conversions.convert(shown, LONG))
    return void_call(node, "tracemem", *args, count=size.value)


def _print(checker: Checker, node: ast.Call) -> Expr:
    if isinstance(node.args[0], ast.AggregationRef):
        raise Diagnostic("D_PRINT_AGG", "print( ) may not be applied to an aggregation", node.span)
    _not_translated(checker, node, "D_PRINT_DYN")
    value = checker.check(node.args[0])
    if isinstance(value.type.resolve(), VoidType):
        raise Diagnostic(
            "D_PRINT_VOID", "print( ) may not be applied to a void expression", node.span
        )
    return void_call(node, "print", value, text=describe(value.type))


# ------------------------------------------------------------------------------- others


def _exit(checker: Checker, node: ast.Call) -> Expr:
    status = checker.check(node.args[0])
    if not is_integral(status.type):
        raise Diagnostic(
            "D_PROTO_ARG",
            "exit( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: int\n\t argument: {describe(status.type)}",
            node.args[0].span,
        )
    return void_call(node, "exit", conversions.convert(status, INT))


def _setopt(checker: Checker, node: ast.Call) -> Expr:
    string = checker.environment.string
    args = []
    for number, arg in enumerate(node.args, 1):
        value = checker.check(arg)
        if not conversions.is_string_like(value):
            raise Diagnostic(
                "D_PROTO_ARG",
                f"setopt( ) argument #{number} is incompatible with prototype:\n"
                f"\tprototype: string\n\t argument: {describe(value.type)}",
                arg.span,
            )
        args.append(conversions.to_string(value, string))
    return void_call(node, "setopt", *args)


def _raise(checker: Checker, node: ast.Call) -> Expr:
    signal = checker.check(node.args[0])
    if not is_integral(signal.type):
        raise not_scalar(node, 1, signal, "D_PROTO_ARG")
    return void_call(node, "raise", conversions.convert(signal, INT))


def _no_arguments(checker: Checker, node: ast.Call) -> Expr:
    return void_call(node, node.name)


def _chill(checker: Checker, node: ast.Call) -> Expr:
    time = checker.check(node.args[0])
    if not is_integral(time.type):
        raise not_scalar(node, 1, time, "D_PROTO_ARG")
    return void_call(node, "chill", conversions.convert(time, ULONG))


def _speculation(checker: Checker, node: ast.Call) -> Expr:
    which = checker.check(node.args[0])
    if not is_integral(which.type):
        raise not_scalar(node, 1, which, "D_PROTO_ARG")
    return void_call(node, node.name, conversions.convert(which, INT))


_HANDLERS: dict[str, Handler] = {
    "trace": _trace,
    "tracemem": _tracemem,
    "pcap": check_pcap,
    "printf": check_printf,
    "printa": check_printa,
    "print": _print,
    "stack": stack_value,
    "ustack": stack_value,
    "jstack": stack_value,
    "sym": symbol_value,
    "func": symbol_value,
    "mod": symbol_value,
    "usym": symbol_value,
    "ufunc": symbol_value,
    "umod": symbol_value,
    "uaddr": symbol_value,
    "exit": _exit,
    "clear": check_on_aggregation,
    "trunc": check_trunc,
    "normalize": check_normalize,
    "denormalize": check_on_aggregation,
    "setopt": _setopt,
    "freopen": check_printf,
    "ftruncate": _no_arguments,
    "system": check_printf,
    "raise": _raise,
    "stop": _no_arguments,
    "chill": _chill,
    "breakpoint": _no_arguments,
    "panic": _no_arguments,
    "speculate": _speculation,
    "commit": _speculation,
    "discard": _speculation,
}
