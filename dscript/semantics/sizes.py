"""`sizeof` and `offsetof`."""

from __future__ import annotations

from dscript.dtypes.types import ULONG, FunctionType, StructType, Type, VoidType
from dscript.errors import Diagnostic, Span
from dscript.semantics import tree
from dscript.semantics.base import Checker
from dscript.semantics.environment import suggestion
from dscript.semantics.names import find_name
from dscript.semantics.tree import Expr
from dscript.syntax import ast


def check_sizeof(checker: Checker, node: ast.SizeofExpr) -> Expr:
    operand = node.operand
    if isinstance(operand, ast.Identifier) and _find_quietly(checker, operand) is None:
        type_ = checker.types.find_typedef(operand.name)
        if type_ is not None:
            return sizeof_type(type_, node.span)
    if isinstance(operand, ast.AggregationRef):
        raise Diagnostic("D_SIZEOF_TYPE", "cannot apply sizeof to an aggregation", node.span)
    expr = checker.check(operand)
    if isinstance(expr, tree.MemberRef) and expr.member.bits is not None:
        raise Diagnostic("D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field", node.span)
    if isinstance(expr, tree.Text):
        return tree.Const(ULONG, node.span, len(expr.value) + 1)
    return sizeof_type(expr.type, node.span)


def _find_quietly(checker: Checker, node: ast.Identifier) -> Expr | None:
    try:
        return find_name(checker, node)
    except Diagnostic:
        return None


def sizeof_type(type_: Type, span: Span) -> Expr:
    resolved = type_.resolve()
    incomplete = isinstance(resolved, StructType) and not resolved.complete
    if incomplete or isinstance(resolved, (VoidType, FunctionType)) or type_.size == 0:
        raise Diagnostic(
            "D_SIZEOF_TYPE", f"cannot apply sizeof to an operand of type {type_}", span
        )
    return tree.Const(ULONG, span, type_.size)


def check_offsetof(checker: Checker, node: ast.Offsetof) -> Expr:
    type_ = checker.types.resolve(node.type)
    offset = 0
    for name in node.path:
        struct = type_.resolve()
        if not isinstance(struct, StructType) or not struct.complete:
            raise Diagnostic(
                "D_OFFSETOF_TYPE",
                f"offsetof operand must be a struct or union type, not {type_}",
                node.span,
            )
        member = struct.find(name)
        if member is None:
            raise Diagnostic(
                "D_TYPE_MEMBER",
                f"{struct} has no member {name}",
                node.span,
                suggestion(name, struct.names()),
            )
        if member.bits is not None:
            raise Diagnostic(
                "D_OFFSETOF_BITFIELD", f"cannot take offset of a bit-field: {name}", node.span
            )
        offset += member.offset
        type_ = member.type
    return tree.Const(ULONG, node.span, offset)
