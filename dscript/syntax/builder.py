"""Reductions of the outer rules: clauses, statements, directives and the program.

lark calls these methods while it parses, so that no parse tree is kept: what a rule
reduces to is the AST node itself.
"""

from __future__ import annotations

import re
from typing import Literal

from dscript.errors import Diagnostic, Span
from dscript.source import Source
from dscript.syntax import ast, depth
from dscript.syntax.build_expressions import Children
from dscript.syntax.build_types import TypeRules
from dscript.syntax.descriptions import describe
from dscript.syntax.tokens import Token

_CONTROL = re.compile(r"#\s*(\w*)\s*(.*)", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WORDS = re.compile(r'(?:"[^"]*"|[^\s"])+')
# Directives that mean the same after `#`, `#pragma` and `#pragma D`.
_CONTROLS: dict[str, Literal["error", "ident", "line"]] = {
    "error": "error",
    "ident": "ident",
    "line": "line",
}


class Builder(TypeRules):
    """Builds the AST of one source at a time; `source` and `form` are set before parsing.

    `form` is the letter of the command-line option the text comes from, `n` for programs.
    """

    def __init__(self) -> None:
        self.source = Source("", "")
        self.form = "n"

    # ----------------------------------------------------------------------- program

    def program(self, c: Children) -> ast.Program:
        items: list[ast.Item] = []
        for part in c:
            if isinstance(part, list):
                items.extend(part)
            elif part is not None:
                items.append(part)
        for item in items:
            depth.check(item)
        span = Span(self.source, 0, len(self.source.text))
        return ast.Program(span=span, items=tuple(items))

    def nothing(self, c: Children) -> None:
        return None

    def directive(self, c: Children) -> ast.Pragma:
        token: Token = c[0]
        span = self._token_span(token)
        match = _CONTROL.match(re.sub(r"\\\r?\n", " ", token.value))
        assert match is not None
        control, rest = match[1], match[2].strip()
        words = tuple(_WORDS.findall(_COMMENT.sub(" ", rest)))
        if control in _CONTROLS:
            return ast.Pragma(span=span, kind=_CONTROLS[control], words=words)
        if control != "pragma":
            raise Diagnostic(
                "D_PRAGCTL_INVAL",
                f"invalid control directive: #{control}",
                span,
                "-C preprocesses scripts: name one with -s"
                if self.source.is_command_line
                else "run with -C to preprocess the program",
            )
        ours = words[:1] == ("D",)
        name = words[ours : ours + 1]
        if name and name[0] in _CONTROLS:
            return ast.Pragma(span=span, kind=_CONTROLS[name[0]], words=words[ours + 1 :])
        if not ours:
            return ast.Pragma(span=span, kind="other", words=words)
        if not name:
            raise Diagnostic("D_PRAGMA_MALFORM", "malformed #pragma D: nothing follows D", span)
        return ast.Pragma(span=span, kind="D", words=words[1:])

    # ----------------------------------------------------------------------- clauses

    def clause(self, c: Children) -> ast.Clause:
        probes = c[0]
        predicate = body = None
        end = probes[-1].span.end
        for part in c[1:]:
            if isinstance(part, ast.Expr):
                predicate, end = part, part.span.end
            else:
                body, end = part
        return ast.Clause(
            span=Span(self.source, probes[0].span.start, end),
            probes=probes,
            predicate=predicate,
            body=body,
        )

    def probes(self, c: Children) -> tuple[ast.ProbeDescription, ...]:
        return tuple(describe(token.value, self.form, self._token_span(token)) for token in c[::2])

    def predicate(self, c: Children) -> ast.Expr:
        expression: ast.Expr = c[1]
        return expression

    def body(self, c: Children) -> tuple[tuple[ast.Stmt, ...], int]:
        return c[1], c[2].end

    # -------------------------------------------------------------------- statements

    def statements(self, c: Children) -> tuple[ast.Stmt, ...]:
        return tuple([part for part in c if part is not None])

    def expression_statement(self, c: Children) -> ast.ExprStmt:
        return ast.ExprStmt(span=c[0].span, expr=c[0])

    def block(self, c: Children) -> tuple[ast.Stmt, ...]:
        statements: tuple[ast.Stmt, ...] = c[1]
        return statements

    def if_statement(self, c: Children) -> ast.If:
        word, _, condition, closing, then = c[:5]
        otherwise = c[6] if len(c) > 5 else ()
        then, otherwise = _branch(then), _branch(otherwise)
        last = (otherwise or then or (None,))[-1]
        end = closing.end if last is None else last.span.end
        return ast.If(
            span=Span(self.source, word.start, end),
            condition=condition,
            then=then,
            otherwise=otherwise,
        )


def _branch(part: object) -> tuple[ast.Stmt, ...]:
    """A branch of an `if`: a block, one statement, or an empty one."""
    if isinstance(part, tuple):
        return part
    return (part,) if isinstance(part, ast.Stmt) else ()
