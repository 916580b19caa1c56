"""Macro variables: `$1` and `$$1`, `$target`, `$pid` and the like."""

from __future__ import annotations

from dscript.dtypes.arithmetic import integer_literal
from dscript.dtypes.types import INT, StringType
from dscript.errors import Diagnostic, Span
from dscript.semantics import tree
from dscript.semantics.base import Checker
from dscript.semantics.environment import RUN_MACROS, fixed_macro, suggestion
from dscript.semantics.names import check_identifier
from dscript.semantics.tree import Expr
from dscript.syntax import ast


def check_macro(checker: Checker, node: ast.Macro) -> Expr:
    environment = checker.environment
    if node.name.isdigit():
        text = environment.argument(int(node.name), node.span)
        if node.text:
            value = b"" if text is None else text.encode()
            return tree.Text(StringType(len(value) + 1), node.span, value)
        return _argument(checker, text, node)
    fixed = fixed_macro(node.name)
    if fixed is not None:
        return tree.Const(INT, node.span, fixed)
    word = next((known for known in RUN_MACROS if known == node.name), None)
    if word is None or (node.name == "target" and not environment.settings.has_target):
        raise undefined(node.name, node.span)
    return tree.LoadWord(INT, node.span, word)


def undefined(name: str, span: Span) -> Diagnostic:
    """No such macro variable, or `$target` where nothing is given to trace."""
    hint = suggestion(name, [*RUN_MACROS, "projid", "taskid"])
    if name == "target":
        hint = "it is the process given with -c COMMAND or -p PID"
    return Diagnostic("D_MACRO_UNDEF", f"macro variable ${name} is not defined", span, hint)


def _argument(checker: Checker, text: str | None, node: ast.Macro) -> Expr:
    """`$n` stands for its text as a token: an integer, an identifier, or else a string.

    Double quotes around the string are left out.  `$target` and the like are tokens, too, so
    that a script which takes a process ID can be told to take that of `-c`.
    """
    if text is None:
        return tree.Const(INT, node.span, 0)
    value = _number(text)
    if value is not None:
        type_ = integer_literal(abs(value), "", text.lstrip("-")[:1] != "0")
        if type_ is None:
            raise Diagnostic(
                "D_MACRO_OFLOW",
                f"macro argument ${node.name} is too large for any integer type: {text}",
                node.span,
            )
        return tree.Const(type_, node.span, value)
    if text.startswith("$") and text[1:] in RUN_MACROS:
        return check_macro(checker, ast.Macro(name=text[1:], text=False, span=node.span))
    if text.isascii() and text.isidentifier():
        return check_identifier(checker, ast.Identifier(name=text, span=node.span))
    if not text.replace("_", "a").isalnum():
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        content = (text[1:-1] if quoted else text).encode(errors="surrogateescape")
        return tree.Text(StringType(len(content) + 1), node.span, content)
    raise Diagnostic(
        "D_SYNTAX",
        f"macro argument ${node.name} is {text!r}, neither an integer nor a name",
        node.span,
        f"write $${node.name} to use it as a string",
    )


def _number(text: str) -> int | None:
    """An argument that reads as a C integer constant, perhaps negative; None for others."""
    digits = text.removeprefix("-")
    octal = digits.startswith("0") and digits[1:].isdigit()
    try:
        value = int(digits, 8 if octal else 0)
    except ValueError:
        return None
    return -value if text.startswith("-") else value
