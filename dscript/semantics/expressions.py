"""AST expressions → typed expressions: the way in, literals and operators.

Names, places, assignments and calls have modules of their own, which come back for their
parts through `base.Checker`.
"""

from __future__ import annotations

from dscript.dtypes.arithmetic import integer_literal
from dscript.dtypes.types import DOUBLE, FLOAT, LDOUBLE, ULONG, StringType
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions, operators, tree
from dscript.semantics.aggregations import as_value
from dscript.semantics.assignments import check_assignment, check_step
from dscript.semantics.base import Checker
from dscript.semantics.calls import check_call
from dscript.semantics.inlines import use_inline
from dscript.semantics.macros import check_macro
from dscript.semantics.names import (
    check_external,
    check_identifier,
    check_scoped,
    is_known_function,
)
from dscript.semantics.places import check_address, check_index, check_member_access, dereference
from dscript.semantics.sizes import check_offsetof, check_sizeof, sizeof_type
from dscript.semantics.translators import check_xlate
from dscript.semantics.tree import Expr
from dscript.syntax import ast


class ExpressionChecker(Checker):
    """Tells kinds of expressions apart; each is checked where its rules are."""

    def check(self, node: ast.Expr) -> Expr:
        match node:
            case ast.Integer():
                return self._integer(node)
            case ast.Identifier():
                return check_identifier(self, node)
            case ast.Binary():
                return self._binary(node)
            case ast.Scoped():
                return check_scoped(self, node)
            case ast.Call():
                return self._call(node)
            case ast.Assign():
                return check_assignment(self, node)
            case ast.String():
                return tree.Text(StringType(len(node.value) + 1), node.span, node.value)
            case ast.Unary():
                return self._unary(node)
            case ast.Postfix():
                return check_step(self, node.operand, node.op, True, node.span)
            case ast.Member():
                return check_member_access(self, node)
            case ast.Index():
                return check_index(self, node)
            case ast.Conditional():
                return operators.conditional(
                    self.check(node.condition),
                    self.check(node.then),
                    self.check(node.otherwise),
                    node.span,
                    self.environment.string,
                )
            case _:
                return self._rarer(node)

    def _rarer(self, node: ast.Expr) -> Expr:
        string = self.environment.string
        match node:
            case ast.Character():
                return tree.Const(
                    integer_literal(node.value, "", decimal=True) or ULONG, node.span, node.value
                )
            case ast.Float():
                kind = {"f": FLOAT, "l": LDOUBLE}.get(node.suffix, DOUBLE)
                return tree.FloatConst(kind, node.span, node.value)
            case ast.Cast():
                type_ = self.types.resolve(node.type)
                return conversions.cast(self.check(node.operand), type_, node.span, string)
            case ast.Stringof():
                return conversions.stringof(self.check(node.operand), node.span, string)
            case ast.Macro():
                return check_macro(self, node)
            case ast.Comma():
                items = tuple(self.check(item) for item in node.items)
                for item in items:
                    operators.refuse_dynamic(",", item)
                return tree.Comma(items[-1].type, node.span, items)
            case ast.SizeofType():
                return sizeof_type(self.types.resolve(node.type), node.span)
            case ast.SizeofExpr():
                return check_sizeof(self, node)
            case ast.Offsetof():
                return check_offsetof(self, node)
            case ast.External():
                return check_external(self, node)
            case ast.AggregationRef():
                return as_value(node)
            case ast.Xlate():
                return check_xlate(self, node)
        raise AssertionError(node)

    # ------------------------------------------------------------------------- literals

    def _integer(self, node: ast.Integer) -> Expr:
        type_ = integer_literal(node.value, node.suffix, node.decimal)
        if type_ is None:
            raise Diagnostic(
                "D_INT_OFLOW", "integer constant is too large for any integer type", node.span
            )
        return tree.Const(type_, node.span, node.value)

    # ------------------------------------------------------------------------ operators

    def _binary(self, node: ast.Binary) -> Expr:
        # Long chains (a + b + c …) lean left: walk down them without recursion.
        chain: list[ast.Binary] = []
        walk: ast.Expr = node
        while isinstance(walk, ast.Binary):
            chain.append(walk)
            walk = walk.left
        left = self.check(walk)
        for item in reversed(chain):
            left = self._apply(item.op, left, self.check(item.right), item.span)
        return left

    def _apply(self, op: str, left: Expr, right: Expr, span: Span) -> Expr:
        if op in operators.RELATIONAL:
            return operators.compare(op, left, right, span, self.environment.string)
        if op in ("&&", "||", "^^"):
            return operators.logical(op, left, right, span)
        return operators.binary(op, left, right, span)

    def _unary(self, node: ast.Unary) -> Expr:
        if node.op in ("++", "--"):
            return check_step(self, node.operand, node.op, False, node.span)
        if node.op == "&":
            return check_address(self, node)
        operand = self.check(node.operand)
        if node.op == "*":
            return dereference(operand, node.span)
        return operators.unary(node.op, operand, node.span)

    # ---------------------------------------------------------------------------- calls

    def _call(self, node: ast.Call) -> Expr:
        environment = self.environment
        inline = environment.inlines.get(node.name)
        if inline is None and not is_known_function(node.name) and environment.define(node.name):
            inline = environment.inlines.get(node.name)
        if inline is not None and inline.params is not None:
            return use_inline(self, inline, node.args, node.span)
        return check_call(self, node)
