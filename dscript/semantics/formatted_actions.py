"""printf() and the actions that format as it does: their arguments against their format."""

from __future__ import annotations

from collections.abc import Sequence

from dscript.builtins.formats import (
    Argument,
    ArgumentKind,
    FormatError,
    check_arguments,
    parse_format,
)
from dscript.dtypes.types import (
    ArrayType,
    EnumType,
    FloatType,
    FunctionType,
    PointerType,
    StringType,
    is_char_data,
    is_integral,
)
from dscript.errors import Diagnostic
from dscript.program import Conversion
from dscript.semantics import tree
from dscript.semantics.action_calls import void_call
from dscript.semantics.base import Checker
from dscript.semantics.conversions import decay, to_string
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def checked_format(checker: Checker, node: ast.Call, formatted: ast.Expr) -> tuple[Conversion, ...]:
    text = checker.check(formatted)
    if not isinstance(text, tree.Text):
        raise Diagnostic(
            # system() and freopen() share the rules of printf().
            "D_PRINTA_ARG_FMT" if node.name == "printa" else "D_PRINTF_ARG_FMT",
            f"{node.name}( ) argument #1 is incompatible with prototype:\n"
            f"\tprototype: string constant\n\t argument: {describe(text.type)}",
            formatted.span,
        )
    if not text.value and node.name != "freopen":  # freopen("") gives back standard output
        raise Diagnostic(
            "D_PRINTF_FMT_EMPTY", f"{node.name}( ) format string is empty", formatted.span
        )
    if text.value == b"." and node.name == "freopen":
        raise Diagnostic("D_FREOPEN_INVALID", 'freopen( ) cannot open "."', formatted.span)
    try:
        return parse_format(text.value)
    except FormatError as error:
        raise Diagnostic(error.tag, error.message, formatted.span) from None


def argument_kind(expr: Expr) -> ArgumentKind:
    """How the format checker sees a value."""
    if isinstance(expr, tree.StackValue):
        return "stack"
    if isinstance(expr, tree.SymbolValue):
        return expr.kind
    type_ = expr.type.resolve()
    if isinstance(type_, StringType):
        return "string"
    if isinstance(type_, EnumType):
        return "enum"
    if is_integral(type_):
        return "int"
    if isinstance(type_, PointerType):
        return "pointer"
    if isinstance(type_, FloatType):
        return "float"
    if isinstance(type_, ArrayType):
        return "char_array" if is_char_data(type_) else "wchar_array"
    return "other"


def check_printf(checker: Checker, node: ast.Call) -> Expr:
    conversions = checked_format(checker, node, node.args[0])
    args = [_printed(checker, arg) for arg in node.args[1:]]
    kinds = [Argument(argument_kind(arg), describe(arg.type), arg.type.size) for arg in args]
    try:
        check_arguments(conversions, kinds, node.name)
    except FormatError as error:
        span = node.span if error.argument is None else node.args[1 + error.argument].span
        raise Diagnostic(error.tag, error.message, span) from None
    return void_call(node, node.name, *_as_strings(checker, args), format=conversions)


def _printed(checker: Checker, arg: ast.Expr) -> Expr:
    if isinstance(arg, ast.AggregationRef):
        raise Diagnostic(
            "D_PRINTF_AGG_CONV",
            "an aggregation is not for use with printf( )",
            arg.span,
            "print one with printa( )",
        )
    value = checker.check(arg)
    if isinstance(value.type.resolve(), (ArrayType, FunctionType)) and not is_char_data(value.type):
        return decay(value)
    return value


def _as_strings(checker: Checker, args: Sequence[Expr]) -> list[Expr]:
    string = checker.environment.string
    return [to_string(arg, string) if argument_kind(arg) == "char_array" else arg for arg in args]
