"""Assignments: their targets, variables that they bring into being, `++` and `--`."""

from __future__ import annotations

from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.dtypes.types import (
    INT,
    LONG,
    ArrayType,
    FunctionType,
    PointerType,
    StringType,
    Type,
    VoidType,
    is_char_data,
    is_integral,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions, operators, tree
from dscript.semantics.aggregations import check_update, multidimensional
from dscript.semantics.base import Checker
from dscript.semantics.names import bad_function_reference, is_known_function
from dscript.semantics.tree import Expr, Scope
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def check_assignment(checker: Checker, node: ast.Assign) -> Expr:
    if isinstance(node.target, ast.AggregationRef):
        return check_update(checker, node)
    if isinstance(node.target, ast.Index) and isinstance(node.target.base, ast.AggregationRef):
        raise multidimensional(node.target.base)
    if node.op == "=":
        value = checker.check(node.value)
        operators.refuse_dynamic("=", value)
        if isinstance(value, (tree.StackValue, tree.SymbolValue)):
            raise Diagnostic(
                "D_CG_EXPR",
                f"action {value.kind}( ) may not be called from a D expression "
                "(D program context required)",
                value.span,
                "record it, print it with printf( ), or make it the key of an aggregation",
            )
        if isinstance(value.type.resolve(), VoidType):
            raise Diagnostic(
                "D_OP_INCOMPAT", "a void expression cannot be assigned", node.value.span
            )
        place = _target(checker, node.target, value)
        value = conversions.assignable(value, place.type, node.span, checker.environment.string)
        return tree.Assign(place.type, node.span, place, value)
    place = _target(checker, node.target, None, node.op)
    value = checker.check(node.value)
    op = node.op[:-1]
    # Typing the plain operator gives its checks and the type it computes in.
    plain = operators.binary(op, place, value, node.span)
    work = plain.type
    value = plain.right if isinstance(plain, tree.Binary) else conversions.convert(value, work)
    return tree.Assign(place.type, node.span, place, value, op, work)


def check_step(checker: Checker, node: ast.Expr, op: str, post: bool, span: Span) -> Expr:
    """`++` and `--`, before or after (`post`) their operand; a pointer moves by its target."""
    if isinstance(node, ast.AggregationRef):
        raise _not_modifiable(op, span)
    place = _target(checker, node, None, op)
    delta = 1
    if operators.points_to_no_size(place.type):
        raise Diagnostic("D_OP_VFPTR", f"operator {op} requires an operand of known size", span)
    if isinstance(place.type.resolve(), PointerType):
        sized = operators.binary("+", place, tree.Const(INT, span, 1), span)
        assert isinstance(sized, tree.Binary) and isinstance(sized.right, tree.Const)
        delta = sized.right.value
    elif not is_integral(place.type):
        raise Diagnostic(
            "D_OP_SCALAR",
            f"operator {op} requires an operand of scalar type, not {describe(place.type)}",
            span,
        )
    return tree.Step(place.type, span, place, delta if op == "++" else -delta, post)


def _target(checker: Checker, node: ast.Expr, value: Expr | None, op: str = "=") -> Expr:
    """The place an assignment writes.

    Undeclared variables come into being here with the type of `value`; `++`, `--` and
    compound assignments (`value` None) make an int64_t.
    """
    base, keys = (node.base, node.indices) if isinstance(node, ast.Index) else (node, None)
    if isinstance(base, (ast.Identifier, ast.Scoped)):
        scope: Scope = "global" if isinstance(base, ast.Identifier) else base.scope
        if (scope, base.name) not in checker.environment.variables:
            if scope == "global":
                _require_free_name(checker, base.name, op, node.span)
            return _create(checker, scope, base.name, keys, value, node)
    expr = checker.check(node)
    _require_writable(expr, op, node.span)
    return expr


def _require_free_name(checker: Checker, name: str, op: str, span: Span) -> None:
    """A global variable cannot take the name of anything else."""
    environment = checker.environment
    if name in BUILTIN_VARIABLES:
        raise Diagnostic(
            "D_OP_WRITE",
            f"operator {op} can only be applied to a writable variable: {name} is built in",
            span,
        )
    if is_known_function(name):
        raise bad_function_reference(name, span)
    if (
        name == "NULL"
        or name in environment.inlines
        or name in environment.bindings
        or name in environment.enumerators
    ):
        raise _not_modifiable(op, span)


def _not_modifiable(op: str, span: Span) -> Diagnostic:
    return Diagnostic("D_OP_LVAL", f"operator {op} requires modifiable lvalue as an operand", span)


def _create(
    checker: Checker,
    scope: Scope,
    name: str,
    keys: tuple[ast.Expr, ...] | None,
    value: Expr | None,
    node: ast.Expr,
) -> Expr:
    typed_keys = None if keys is None else tuple(checker.check(key) for key in keys)
    type_: Type = LONG if value is None else _stored_type(checker, value)
    variable = checker.variables.create(scope, name, type_, typed_keys, node.span)
    if typed_keys is None:
        return tree.VariableRef(variable.type, node.span, variable)
    typed_keys = checker.variables.match_keys(variable, typed_keys, node.span)
    return tree.Element(variable.type, node.span, variable, typed_keys)


def _stored_type(checker: Checker, value: Expr) -> Type:
    type_ = value.type
    if isinstance(type_.resolve(), StringType):
        return checker.environment.string
    if is_char_data(type_) and isinstance(type_.resolve(), ArrayType) and type_.size:
        return type_  # text by value, as scripts keep names of the kernel's structures
    if isinstance(type_.resolve(), (ArrayType, FunctionType)):
        return conversions.decay(value).type
    return type_


def _require_writable(expr: Expr, op: str, span: Span) -> None:
    place = expr
    while isinstance(place, (tree.MemberRef, tree.IndexRef)):
        place = place.base
    if isinstance(place, (tree.VariableRef, tree.Element, tree.Deref)):
        return
    if isinstance(place, tree.KernelSymbol):
        raise Diagnostic(
            "D_OP_WRITE", f"operator {op} can only be applied to a writable variable", span
        )
    raise _not_modifiable(op, span)
