"""Translators: `xlate <type> (expr)->member` becomes the member's expression.

Only the members that a program names are ever computed (manual, chapter "Translators").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dscript.dtypes.types import PointerType, StructType, Type
from dscript.errors import Diagnostic, Span
from dscript.semantics import operators
from dscript.semantics.environment import TranslatorDefinition, suggestion
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast

if TYPE_CHECKING:
    from dscript.semantics.expressions import ExpressionChecker


def declare_translator(checker: ExpressionChecker, node: ast.Translator) -> None:
    environment = checker.environment
    output = checker.types.resolve(node.output)
    struct = output.resolve()
    if not isinstance(struct, StructType):
        raise Diagnostic(
            "D_XLATE_SOU",
            f"translator output type must be a struct or union, not {describe(output)}",
            node.output.span,
        )
    source = checker.types.resolve(node.input)
    for member in node.members:
        if struct.find(member.name) is None:
            raise Diagnostic(
                "D_XLATE_MEMB",
                f"translator member {member.name} is not a member of {struct}",
                member.span,
                suggestion(member.name, struct.names()),
            )
    for known in environment.translators:
        if operators.same_type(known.output, struct) and operators.same_type(known.input, source):
            raise Diagnostic(
                "D_XLATE_REDECL",
                f"translator from {describe(source)} to {describe(output)} "
                "has already been declared",
                node.span,
            )
    environment.translators.append(TranslatorDefinition(struct, source, node))


def check_member(
    checker: ExpressionChecker, xlate: ast.Xlate, name: str, arrow: bool, span: Span
) -> Expr:
    """`xlate <T> (e).name` and `xlate <T *> (e)->name`."""
    wanted = checker.types.resolve(xlate.type).resolve()
    if arrow:
        if not isinstance(wanted, PointerType):
            raise Diagnostic(
                "D_OP_SOU",
                "left-hand side of operator -> must be a pointer to a struct or union",
                span,
            )
        wanted = wanted.target.resolve()
    operand = operators.decay(checker.check(xlate.operand))
    definition = _find(checker, wanted, operand, xlate.span)
    for member in definition.node.members:
        if member.name == name:
            return _member(checker, definition, operand, member, span)
    raise Diagnostic(
        "D_TYPE_MEMBER",
        f"translator for {describe(definition.output)} does not define member {name}",
        span,
        suggestion(name, [member.name for member in definition.node.members]),
    )


def _find(
    checker: ExpressionChecker, wanted: Type, operand: Expr, span: Span
) -> TranslatorDefinition:
    for definition in checker.environment.translators:
        if not operators.same_type(definition.output, wanted):
            continue
        if operators.same_type(definition.input, operand.type):
            return definition
    libraries = checker.environment.libraries
    if libraries is not None and libraries.define_translators():
        return _find(checker, wanted, operand, span)
    raise Diagnostic(
        "D_XLATE_NOCONV",
        f"translator does not exist from {describe(operand.type)} to {describe(wanted)}",
        span,
    )


def _member(
    checker: ExpressionChecker,
    definition: TranslatorDefinition,
    operand: Expr,
    member: ast.TranslatorMember,
    span: Span,
) -> Expr:
    environment = checker.environment
    saved = environment.bindings
    environment.bindings = {definition.node.parameter: operand}
    try:
        value = checker.check(member.value)
    finally:
        environment.bindings = saved
    found = definition.output.find(member.name)
    assert found is not None
    if operators.is_string_like(value):
        return operators.to_string(value, environment.string)
    return operators.assignable(value, found.type, span, environment.string)


def check_xlate(checker: ExpressionChecker, node: ast.Xlate) -> Expr:
    """A translation that no member is taken of."""
    raise Diagnostic(
        "D_XLATE_MEMB",
        "a translated structure is not available as a whole in this version",
        node.span,
        "take a member of it: xlate <type *> (expression)->member",
    )
