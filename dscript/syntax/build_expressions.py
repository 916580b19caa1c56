"""Reductions of expression rules: the children of a rule → an AST node.

Every method is named after a rule or alias of `grammar/d.lark` and gets the rule's
children as the grammar shows them.
"""

from __future__ import annotations

from typing import Any, Literal, cast

from dscript.errors import Span
from dscript.source import Source
from dscript.syntax import ast, literals
from dscript.syntax.tokens import Token

# What the rules' children are depends on the rule; the grammar is their type.
Children = list[Any]


class ExpressionRules:
    """The rules from `comma` to `strings`."""

    source: Source

    def _token_span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    # -------------------------------------------------------------------- operators

    def comma(self, c: Children) -> ast.Comma:
        left, _, right = c
        items = (*left.items, right) if isinstance(left, ast.Comma) else (left, right)
        return ast.Comma(span=left.span.to(right.span), items=items)

    def assign(self, c: Children) -> ast.Assign:
        target, op, value = c
        span = Span(self.source, target.span.start, value.span.end)
        return ast.Assign(span=span, op=op.value, target=target, value=value)

    def conditional(self, c: Children) -> ast.Conditional:
        condition, _, then, _, otherwise = c
        span = Span(self.source, condition.span.start, otherwise.span.end)
        return ast.Conditional(span=span, condition=condition, then=then, otherwise=otherwise)

    def binary(self, c: Children) -> ast.Binary:
        left, op, right = c
        span = Span(self.source, left.span.start, right.span.end)
        return ast.Binary(span=span, op=op.value, left=left, right=right)

    def cast(self, c: Children) -> ast.Cast:
        opening, type_, _, operand = c
        span = Span(self.source, opening.start, operand.span.end)
        return ast.Cast(span=span, type=type_, operand=operand)

    def prefix(self, c: Children) -> ast.Unary:
        op, operand = c
        span = Span(self.source, op.start, operand.span.end)
        return ast.Unary(span=span, op=op.value, operand=operand)

    def sizeof_expression(self, c: Children) -> ast.SizeofExpr:
        word, operand = c
        return ast.SizeofExpr(span=Span(self.source, word.start, operand.span.end), operand=operand)

    def sizeof_type(self, c: Children) -> ast.SizeofType:
        return ast.SizeofType(span=Span(self.source, c[0].start, c[3].end), type=c[2])

    def stringof(self, c: Children) -> ast.Stringof:
        word, operand = c
        return ast.Stringof(span=Span(self.source, word.start, operand.span.end), operand=operand)

    # ---------------------------------------------------------------------- postfix

    def index(self, c: Children) -> ast.Expr:
        base, _, indices, closing = c
        span = Span(self.source, base.span.start, closing.end)
        if isinstance(base, ast.AggregationRef) and base.keys is None:
            return ast.AggregationRef(span=span, name=base.name, keys=indices)
        return ast.Index(span=span, base=base, indices=indices)

    def member(self, c: Children) -> ast.Member:
        base, op, name = c
        span = Span(self.source, base.span.start, name.end)
        return ast.Member(span=span, base=base, name=name.value, arrow=op.value == "->")

    def postfix_step(self, c: Children) -> ast.Postfix:
        operand, op = c
        span = Span(self.source, operand.span.start, op.end)
        return ast.Postfix(span=span, op=op.value, operand=operand)

    # ---------------------------------------------------------------------- primary

    def identifier(self, c: Children) -> ast.Identifier:
        return ast.Identifier(span=self._token_span(c[0]), name=c[0].value)

    def external(self, c: Children) -> ast.External:
        module, _, name = c[0].value.rpartition("`")
        return ast.External(span=self._token_span(c[0]), module=module.lstrip("`"), name=name)

    def integer(self, c: Children) -> ast.Integer:
        return literals.integer(self.source, c[0])

    def floating(self, c: Children) -> ast.Float:
        return literals.floating(self.source, c[0])

    def character(self, c: Children) -> ast.Character:
        return literals.character(self.source, c[0])

    def strings(self, c: Children) -> ast.String:
        return literals.strings(self.source, c)

    def macro(self, c: Children) -> ast.Macro:
        name = c[0].value[1:]
        text = name.startswith("$")
        return ast.Macro(span=self._token_span(c[0]), name=name.removeprefix("$"), text=text)

    def aggregation(self, c: Children) -> ast.AggregationRef:
        return ast.AggregationRef(span=self._token_span(c[0]), name=c[0].value[1:])

    def scoped(self, c: Children) -> ast.Scoped:
        word, _, name = c
        scope = cast(Literal["self", "this"], word.value)
        return ast.Scoped(
            span=Span(self.source, word.start, name.end), scope=scope, name=name.value
        )

    def call(self, c: Children) -> ast.Call:
        name, closing = c[0], c[-1]
        args = c[2] if len(c) == 4 else ()
        return ast.Call(span=Span(self.source, name.start, closing.end), name=name.value, args=args)

    def offsetof(self, c: Children) -> ast.Offsetof:
        return ast.Offsetof(span=Span(self.source, c[0].start, c[5].end), type=c[2], path=c[4])

    def xlate(self, c: Children) -> ast.Xlate:
        return ast.Xlate(span=Span(self.source, c[0].start, c[6].end), type=c[2], operand=c[5])

    def parenthesised(self, c: Children) -> ast.Expr:
        return cast(ast.Expr, c[1])

    def arguments(self, c: Children) -> tuple[ast.Expr, ...]:
        return tuple(c[::2])

    def member_path(self, c: Children) -> tuple[str, ...]:
        return tuple(token.value for token in c[::2])
