"""D text → AST: the one entrance to the syntax room."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Literal

from lark.exceptions import UnexpectedToken

from dscript.source import Source
from dscript.syntax import ast, syntax_errors, tables
from dscript.syntax.lexer import Lexer
from dscript.syntax.tokens import MacroArguments

ClauseForm = Literal["n", "P", "m", "f", "i"]

_lock = Lock()  # the builder works on one source at a time


def parse(
    source: Source,
    is_type: Callable[[str], bool] | None = None,
    macros: MacroArguments | None = None,
) -> ast.Program:
    """The program of a script, a library or a `-n` option.

    `is_type` tells whether a name is a type known from elsewhere, `macros` what names `$1`
    and the like stand for.  Raises `Diagnostic`.
    """
    return parse_clause_options("n", source, is_type, macros)


def parse_clause_options(
    form: ClauseForm,
    source: Source,
    is_type: Callable[[str], bool] | None = None,
    macros: MacroArguments | None = None,
) -> ast.Program:
    """The program of a `-n`, `-P`, `-m`, `-f` or `-i` option's text.

    The form says which field the rightmost one of its descriptions is.  Raises `Diagnostic`.
    """
    lexer = Lexer(source, is_type, digits=form == "i", macros=macros)
    with _lock:
        lark_parser, builder = tables.parser()
        builder.source = source
        builder.form = form
        try:
            program: ast.Program = lark_parser.parse(lexer.tokens())  # type: ignore[assignment]
        except UnexpectedToken as error:
            raise syntax_errors.explain(lexer, error.token, error.expected) from None
    return program
