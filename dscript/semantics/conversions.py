"""What a typed value can become: an address, another scalar type, a string, what a place holds.

Pure functions: a typed operand in, a typed node out, a Diagnostic when it does not fit.
Rules: manual, chapter "Types, Operators and Expressions"; C11 6.3 and 6.5.4 where that is silent.
"""

from __future__ import annotations

from dataclasses import replace

from dscript.dtypes.arithmetic import as_int, wrap
from dscript.dtypes.types import (
    ArrayType,
    FunctionType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    is_char_data,
    is_float,
    is_integral,
    is_pointer_like,
    is_scalar,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics import tree
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe


def is_string(expr: Expr) -> bool:
    return isinstance(expr.type.resolve(), StringType)


def is_string_like(expr: Expr) -> bool:
    """Strings, and character data that D takes for one."""
    return is_string(expr) or is_char_data(expr.type)


def is_null(expr: Expr) -> bool:
    """Integer constant 0, or NULL."""
    return isinstance(expr, tree.Const) and expr.value == 0


def decay(expr: Expr) -> Expr:
    """An array-typed place as a pointer to its first element; a function as its address."""
    type_ = expr.type.resolve()
    if isinstance(type_, ArrayType):
        pointer = PointerType(type_.element, user=tree.in_user_memory(expr))
        return tree.AddressOf(pointer, expr.span, expr)
    if isinstance(type_, FunctionType):
        return tree.AddressOf(PointerType(type_), expr.span, expr)
    return expr


def convert(expr: Expr, type_: Type) -> Expr:
    """A scalar as another scalar type."""
    if isinstance(expr, tree.Const):
        return tree.Const(type_, expr.span, wrap(expr.value, type_))
    source, target = expr.type.resolve(), type_.resolve()
    if source == target:
        return expr if expr.type == type_ else tree.Convert(type_, expr.span, expr)
    return tree.Convert(type_, expr.span, expr)


def to_string(expr: Expr, string: StringType) -> Expr:
    """Character data as a string; strings stay as they are."""
    if is_string(expr):
        return expr
    operand = expr if isinstance(expr.type.resolve(), ArrayType) else decay(expr)
    return tree.ToString(string, expr.span, operand)


def same_type(left: Type, right: Type) -> bool:
    """Compatible types: equal after typedefs, through pointers; void pointers fit all."""
    a, b = left.resolve(), right.resolve()
    if isinstance(a, PointerType) and isinstance(b, PointerType):
        x, y = a.target.resolve(), b.target.resolve()
        if isinstance(x, VoidType) or isinstance(y, VoidType):
            return True
        return same_type(x, y)
    if isinstance(a, StructType) and isinstance(b, StructType):
        return a is b or (a.kind == b.kind and a.tag != "" and a.tag == b.tag)
    if is_integral(a) and is_integral(b):
        return as_int(a).bytes == as_int(b).bytes
    if isinstance(a, StringType) and isinstance(b, StringType):
        return True  # a constant's is as long as its text
    return a == b


def cast(expr: Expr, type_: Type, span: Span, string: StringType) -> Expr:
    """`(type)expr`: between scalars, and of character data to string."""
    target = type_.resolve()
    if isinstance(target, VoidType):
        return tree.Comma(type_, span, (expr,))
    if isinstance(target, StringType):
        if is_string_like(expr) or is_scalar(decay(expr).type):
            return stringof(expr, span, string)
        raise _invalid_cast(expr, type_, span)
    if is_float(target) or is_float(expr.type):
        raise Diagnostic(
            "D_CAST_INVAL",
            f'invalid cast expression: "{describe(expr.type)}" to a type of "{describe(type_)}": '
            "D has no floating-point conversion",
            span,
        )
    operand = decay(expr)
    if is_string(operand) and isinstance(target, PointerType):
        return tree.AddressOf(type_, span, operand)
    if not is_scalar(target) or not is_scalar(operand.type):
        raise _invalid_cast(expr, type_, span)
    return _with_span(convert(operand, _in_same_memory(operand, type_)), span)


def _in_same_memory(operand: Expr, type_: Type) -> Type:
    """A pointer made of another leads where that one does; of a number, where its type says.

    So what copyin() gave is read where it is, though its type be that of a user program.
    """
    source, target = operand.type.resolve(), type_.resolve()
    if isinstance(source, PointerType) and isinstance(target, PointerType):
        return type_ if source.user == target.user else replace(target, user=source.user)
    return type_


def _with_span(expr: Expr, span: Span) -> Expr:
    return expr if not isinstance(expr, tree.Const) else tree.Const(expr.type, span, expr.value)


def _invalid_cast(expr: Expr, type_: Type, span: Span) -> Diagnostic:
    return Diagnostic(
        "D_CAST_INVAL",
        f'invalid cast expression: "{describe(expr.type)}" to a type of "{describe(type_)}"',
        span,
    )


def stringof(expr: Expr, span: Span, string: StringType) -> Expr:
    """`stringof(x)`: any address or character data read as a string."""
    if is_string(expr):
        return expr
    operand = expr if isinstance(expr.type.resolve(), ArrayType) else decay(expr)
    if not (is_char_data(operand.type) or is_scalar(operand.type)):
        raise Diagnostic(
            "D_STRINGOF_TYPE",
            f"stringof( ) requires an argument of scalar type, not {describe(expr.type)}",
            span,
        )
    return tree.ToString(string, span, operand)


def assignable(value: Expr, type_: Type, span: Span, string: StringType, op: str = "=") -> Expr:
    """`value` converted for an assignment to a place of `type_`."""
    target = type_.resolve()
    if isinstance(target, StringType):
        if is_null(value):
            return tree.Text(StringType(1), value.span, b"")
        if not is_string_like(value):
            raise _not_assignable(type_, op, value, span)
        return to_string(value, string)
    if is_integral(target) and is_integral(value.type):
        return convert(value, type_)
    if isinstance(target, PointerType):
        if is_string(value) and is_char_data(type_):
            return tree.AddressOf(type_, span, value)
        operand = decay(value)
        if is_null(operand) or (is_pointer_like(operand.type) and same_type(operand.type, type_)):
            return convert(operand, type_)
        raise _not_assignable(type_, op, value, span)
    if isinstance(target, StructType) and same_type(target, value.type):
        return value
    if isinstance(target, ArrayType):
        text = is_char_data(target) and is_string(value)
        if text or target == value.type.resolve():
            return value
    if is_float(target):
        if isinstance(value, tree.FloatConst) or (
            isinstance(value, tree.Const) and is_integral(value.type)
        ):
            return tree.FloatConst(type_, value.span, float(value.value))
        if target == value.type.resolve():
            return value
    raise _not_assignable(type_, op, value, span)


def fits(value: Expr, type_: Type, string: StringType) -> bool:
    """Whether `value` can be assigned to a place of `type_`."""
    try:
        assignable(value, type_, value.span, string)
    except Diagnostic:
        return False
    return True


def _not_assignable(type_: Type, op: str, value: Expr, span: Span) -> Diagnostic:
    return Diagnostic(
        "D_OP_INCOMPAT",
        f'operands have incompatible types: "{describe(type_)}" {op} "{describe(value.type)}"',
        span,
    )
