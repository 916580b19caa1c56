"""What to say at a token that the grammar does not allow there."""

from __future__ import annotations

from typing import Any

from dscript.errors import Diagnostic, Span
from dscript.syntax.lexer import Lexer
from dscript.syntax.tokens import FORBIDDEN_WORDS, TYPE_WORDS

_OPERAND_ENDS = frozenset(
    ("IDENT", "INTEGER", "FLOAT", "STRING", "CHARACTER", "MACRO", "EXTERNAL", "AGGREGATION",
     "RPAR", "RSQB", "INCREMENT", "DECREMENT")
)  # fmt: skip
_LOOPS = frozenset(("for", "while", "do"))


def explain(lexer: Lexer, token: Any, expected: set[str]) -> Diagnostic:
    """The diagnostic for an unexpected token; `token.type` is `$END` at the end of the text."""
    source = lexer.source
    if token.type == "$END":
        return _at_end(lexer, expected)
    span = Span(source, token.start, token.end)
    if token.type == "MACRO" and lexer.macros is not None and lexer.macros.misses(token.value):
        return Diagnostic("D_MACRO_UNDEF", f"macro argument {token.value} is not defined", span)
    hint = _hint(lexer, token, expected)
    return Diagnostic("D_SYNTAX", f'syntax error near "{token.value}"', span, hint)


def _at_end(lexer: Lexer, expected: set[str]) -> Diagnostic:
    source = lexer.source
    end = len(source.text.rstrip())
    span = Span(source, max(0, end - 1), end)
    if lexer.body_opened is not None:
        opened = lexer.body_opened
        line = source.position(opened).line
        closing = "}" if source.text[opened] == "{" else "; >"
        hint: str | None = f"the clause opened on line {line} is not closed: {closing} is missing"
    elif lexer.predicate_opened is not None:
        hint = "the predicate is not closed: / is missing"
    elif "SEMICOLON" in expected:
        hint = "a ; is missing"
    else:
        hint = None
    return Diagnostic("D_SYNTAX", "syntax error near end of input", span, hint)


def _hint(lexer: Lexer, token: Any, expected: set[str]) -> str | None:
    kind, value, start = token.type, token.value, token.start
    source = lexer.source
    before = lexer.before
    if value in FORBIDDEN_WORDS:
        if value in _LOOPS:
            return f"D has no loops: {value} is reserved; let a tick or profile probe repeat"
        return f"{value} is a reserved word"
    if lexer.predicate_opened is not None:
        if kind in ("LBRACE", "SEMICOLON", "RBRACE"):
            line = source.position(lexer.predicate_opened).line
            return f"the predicate opened on line {line} is not closed: / is missing"
        return None
    at_top = lexer.body_opened is None
    if at_top and before is not None and before.type == "DESCRIPTION":
        if kind == "LPAR":
            return (
                f"{before.value}() is no probe description: actions stand in the braces of a "
                f"clause, as in BEGIN {{ {before.value}(…); }}"
            )
        return "statements stand in the braces of a clause, as in BEGIN { … }"
    if at_top and kind in ("LBRACE", "SLASH"):
        return "a clause begins with a probe description, as in syscall::read:entry"
    if at_top and "SEMICOLON" in expected:
        return "a declaration ends with ;"
    unclosed = _unclosed(lexer, start)
    if unclosed and kind in ("BODY_CLOSE", "RBRACE", "SEMICOLON"):
        return f"a {unclosed} is missing"
    if value in TYPE_WORDS and not at_top:
        return "variables are declared outside of clauses, or just assigned to"
    if before is not None and before.type in _OPERAND_ENDS and "SEMICOLON" in expected:
        what = ", or an operator" if unclosed else ";"
        return f'a {what} may be missing after "{before.value}"'
    return None


def _unclosed(lexer: Lexer, until: int) -> str:
    """The `)` or `]` that the innermost open bracket before an offset waits for, or nothing."""
    opened: list[str] = []
    for token in Lexer(lexer.source).tokens():
        if token.start >= until:
            break
        if token.type in ("LPAR", "LSQB"):
            opened.append(")" if token.type == "LPAR" else "]")
        elif token.type in ("RPAR", "RSQB") and opened:
            opened.pop()
        elif token.type in ("BODY_OPEN", "BODY_CLOSE", "SEMICOLON"):
            opened.clear()
    return opened[-1] if opened else ""
