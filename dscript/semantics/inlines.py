"""Inlines: the expression that one stands for, with its parameters bound to what was given."""

from __future__ import annotations

from dscript.dtypes.types import VoidType
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions
from dscript.semantics.base import Checker
from dscript.semantics.environment import InlineDefinition
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

# Inlines that use inlines twice grow with the power of their depth.
MOST_EXPANSIONS = 100_000


def use_inline(
    checker: Checker,
    inline: InlineDefinition,
    args: tuple[ast.Expr, ...] | None,
    span: Span,
) -> Expr:
    """The inline's expression in its place; `args` is None where no brackets were written."""
    if (inline.params is None) != (args is None):
        raise Diagnostic(
            "D_PROTO_LEN",
            f"inline {inline.node.name} "
            + ("takes no parameters" if inline.params is None else "needs parameters in [ ]"),
            span,
        )
    if inline.busy:
        raise Diagnostic("D_IDENT_UNDEF", f"inline {inline.node.name} refers to itself", span)
    checker.environment.expansions += 1
    if checker.environment.expansions > MOST_EXPANSIONS:
        raise Diagnostic(
            "D_NOMEM", f"inlines are used more than {MOST_EXPANSIONS} times in all", span
        )
    bindings = bind_arguments(checker, inline, args or (), span)
    saved = checker.environment.bindings
    checker.environment.bindings = bindings
    inline.busy = True
    try:
        value = checker.check(inline.node.value)
    finally:
        inline.busy = False
        checker.environment.bindings = saved
    if isinstance(inline.type.resolve(), VoidType):
        return value
    return conversions.assignable(value, inline.type, span, checker.environment.string)


def bind_arguments(
    checker: Checker, inline: InlineDefinition, args: tuple[ast.Expr, ...], span: Span
) -> dict[str, Expr]:
    """The parameters' values by name."""
    params = inline.params or ()
    if len(params) != len(args):
        raise Diagnostic(
            "D_PROTO_LEN",
            f"{inline.node.name}[ ] prototype mismatch: {len(args)} args passed, "
            f"{len(params)} expected",
            span,
        )
    string = checker.environment.string
    bindings: dict[str, Expr] = {}
    for number, ((type_, name), arg) in enumerate(zip(params, args, strict=True), 1):
        value = checker.check(arg)
        if not conversions.fits(value, type_, string):
            raise Diagnostic(
                "D_PROTO_ARG",
                f"{inline.node.name}[ ] argument #{number} is incompatible with prototype:\n"
                f"\tprototype: {describe(type_)}\n\t argument: {describe(value.type)}",
                arg.span,
            )
        bindings[name] = conversions.assignable(value, type_, arg.span, string)
    return bindings
