"""Calls: subroutines and actions, their arguments checked against their signatures."""

from __future__ import annotations

from dscript.builtins.actions import (
    ABSENT_ACTIONS,
    ACTIONS,
    AGGREGATING_FUNCTIONS,
)
from dscript.builtins.subroutines import ABSENT_SUBROUTINES, SUBROUTINES, Subroutine
from dscript.builtins.variables import BUILTIN_VARIABLES, FOREIGN_NAMES
from dscript.dtypes.types import LONG, ULONG, StringType, is_integral, is_scalar
from dscript.errors import Diagnostic
from dscript.semantics import conversions, tree
from dscript.semantics.actions import check_action
from dscript.semantics.base import Checker
from dscript.semantics.environment import suggestion
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def check_call(checker: Checker, node: ast.Call) -> Expr:
    """A call of a subroutine or an action; Diagnostic for anything else."""
    name = node.name
    subroutine = SUBROUTINES.get(name)
    if subroutine is not None:
        return _subroutine(checker, node, subroutine)
    if name in ACTIONS:
        return check_action(checker, node)
    if name in AGGREGATING_FUNCTIONS:
        raise Diagnostic(
            "D_FUNC_IDKIND",
            f"{name}( ) is an aggregating function: it may only be assigned to an aggregation",
            node.span,
            f"write @name[keys] = {name}(…)",
        )
    if name in ABSENT_ACTIONS or name in ABSENT_SUBROUTINES:
        hint = ABSENT_ACTIONS.get(name) or ABSENT_SUBROUTINES.get(name) or None
        raise Diagnostic(
            "D_FUNC_UNDEF", f"{name}( ) is not available in this version", node.span, hint
        )
    environment = checker.environment
    if ("global", name) in environment.variables or name in BUILTIN_VARIABLES:
        raise Diagnostic(
            "D_FUNC_IDKIND", f"variable {name} may not be called as a function", node.span
        )
    known = [*SUBROUTINES, *ACTIONS, *AGGREGATING_FUNCTIONS]
    raise Diagnostic(
        "D_FUNC_UNDEF",
        f"undefined function name: {name}",
        node.span,
        suggestion(name, known, FOREIGN_NAMES),
    )


def _subroutine(checker: Checker, node: ast.Call, signature: Subroutine) -> Expr:
    given, most = len(node.args), len(signature.params)
    if not signature.required <= given <= most:
        wanted = str(most) if signature.required == most else f"{signature.required} to {most}"
        raise Diagnostic(
            "D_PROTO_LEN",
            f"{node.name}( ) prototype mismatch: {given} arg{'' if given == 1 else 's'} passed, "
            f"{wanted} expected",
            node.span,
        )
    args = tuple(
        _argument(checker, node, number, kind, arg)
        for number, (kind, arg) in enumerate(zip(signature.params, node.args, strict=False), 1)
    )
    if signature.destructive and not checker.environment.settings.destructive:
        raise Diagnostic(
            "D_DESTRUCTIVE",
            f"{node.name}( ) is destructive: destructive actions are not allowed",
            node.span,
            "permit them with -w or #pragma D option destructive",
        )
    type_ = signature.result_type(checker.environment.settings.strsize)
    return tree.SubroutineCall(type_, node.span, node.name, args)


def _argument(checker: Checker, node: ast.Call, number: int, kind: str, arg: ast.Expr) -> Expr:
    expr = checker.check(arg)
    string: StringType = checker.environment.string
    if kind == "string":
        if conversions.is_string_like(expr):
            return conversions.to_string(expr, string)
        if conversions.is_null(expr):
            return tree.ToString(string, expr.span, expr)
        raise _mismatch(node, number, "string", expr)
    if kind == "int":
        if is_integral(expr.type):
            return conversions.convert(expr, LONG)
        raise _mismatch(node, number, "integer", expr)
    operand = conversions.decay(expr)
    if kind == "pointer" and conversions.is_string(operand):
        return tree.AddressOf(ULONG, expr.span, operand)
    if not is_scalar(operand.type) or conversions.is_string(operand):
        raise _mismatch(node, number, _PROTOTYPES[kind], expr)
    if kind != "address" and is_integral(operand.type) and not conversions.is_null(operand):
        hint = "an address in an integer needs a cast: (void *)…"
        raise _mismatch(node, number, _PROTOTYPES[kind], expr, hint)
    if kind == "pointer" and tree.is_user_pointer(operand.type):
        return operand
    return conversions.convert(operand, ULONG)


# What messages call the kinds of parameters.
_PROTOTYPES = {"address": "uintptr_t", "pointer": "pointer", "lock": "pointer to a lock"}


def _mismatch(
    node: ast.Call, number: int, prototype: str, arg: Expr, hint: str | None = None
) -> Diagnostic:
    return Diagnostic(
        "D_PROTO_ARG",
        f"{node.name}( ) argument #{number} is incompatible with prototype:\n"
        f"\tprototype: {prototype}\n\t argument: {describe(arg.type)}",
        arg.span,
        hint,
    )
