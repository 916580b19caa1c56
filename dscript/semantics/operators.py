"""Typing and constant folding of D's operators on typed operands.

Pure functions: typed operands in, typed node out, a Diagnostic when they do not fit.
Rules: manual, chapter "Types, Operators and Expressions"; C11 6.5 where that is silent.
"""

from __future__ import annotations

from dscript.dtypes.arithmetic import promote, usual_conversion, wrap
from dscript.dtypes.types import (
    INT,
    LONG,
    ULONG,
    VOID,
    FloatType,
    FunctionType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    is_float,
    is_integral,
    is_pointer_like,
    is_scalar,
    is_signed,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics import tree
from dscript.semantics.conversions import (
    convert,
    decay,
    is_null,
    is_string,
    is_string_like,
    same_type,
    to_string,
)
from dscript.semantics.tree import Expr
from dscript.semantics.typenames import describe

RELATIONAL = ("==", "!=", "<", "<=", ">", ">=")


def incompatible(op: str, left: Expr, right: Expr, span: Span) -> Diagnostic:
    return Diagnostic(
        "D_OP_INCOMPAT",
        f'operands have incompatible types: "{describe(left.type)}" {op} "{describe(right.type)}"',
        span,
    )


def refuse_float(op: str, *operands: Expr) -> None:
    for operand in operands:
        if is_float(operand.type):
            raise Diagnostic(
                "D_OP_ARITH",
                f"operator {op} may not be applied to floating-point operands: D has no "
                "floating-point arithmetic",
                operand.span,
            )


def refuse_dynamic(op: str, *operands: Expr) -> None:
    """Operands without a type of their own: aggregations."""
    for operand in operands:
        if str(operand.type) == "<DYN>":
            raise Diagnostic(
                "D_OP_DYN",
                f"operator {op} operands cannot be of dynamic type: an aggregation is no value",
                operand.span,
                "aggregations are printed with printa( )",
            )


def require_integral(op: str, operand: Expr) -> None:
    refuse_float(op, operand)
    if not is_integral(operand.type):
        raise Diagnostic(
            "D_OP_INT",
            f"operator {op} requires operands of integral type, not {describe(operand.type)}",
            operand.span,
        )


def require_arithmetic(op: str, operand: Expr) -> None:
    refuse_float(op, operand)
    if not is_integral(operand.type):
        raise Diagnostic(
            "D_OP_ARITH",
            f"operator {op} requires operands of arithmetic type, not {describe(operand.type)}",
            operand.span,
        )


def promoted(expr: Expr) -> Type:
    """The type an integral operand has before conversions; a narrow bit-field is an int."""
    if isinstance(expr, tree.MemberRef) and expr.member.bits is not None:
        fits = expr.member.bits < 32 + is_signed(expr.type)
        return INT if fits else expr.type
    return expr.type


def require_scalar(op: str, operand: Expr) -> Expr:
    operand = decay(operand)
    refuse_float(op, operand)
    if not is_scalar(operand.type):
        raise Diagnostic(
            "D_OP_SCALAR",
            f"operator {op} requires operands of scalar type, not {describe(operand.type)}",
            operand.span,
        )
    return operand


def truth(expr: Expr, op: str) -> Expr:
    """An operand of a logical operator: a scalar.  Strings must be compared with something."""
    return require_scalar(op, expr)


# ------------------------------------------------------------------------- arithmetic


def unary(op: str, operand: Expr, span: Span) -> Expr:
    if op == "!":
        operand = truth(operand, op)
        if isinstance(operand, tree.Const):
            return tree.Const(INT, span, int(operand.value == 0))
        return tree.Not(INT, span, operand)
    if op in "+-" and isinstance(operand, tree.FloatConst):
        value = operand.value if op == "+" else -operand.value
        return tree.FloatConst(operand.type, span, value)
    if op == "~":
        require_integral(op, operand)
    else:
        require_arithmetic(op, operand)
    type_ = promote(promoted(operand))
    operand = convert(operand, type_)
    if op == "+":
        return operand
    if isinstance(operand, tree.Const):
        value = -operand.value if op == "-" else ~operand.value
        return tree.Const(type_, span, wrap(value, type_))
    return tree.Unary(type_, span, "-" if op == "-" else "~", operand)


def binary(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    """`+ - * / % & | ^ << >>`, pointer arithmetic included."""
    left, right = decay(left), decay(right)
    if op in "+-" and (is_pointer_like(left.type) or is_pointer_like(right.type)):
        if points_to_no_size(left.type) or points_to_no_size(right.type):
            raise incompatible(op, left, right, span)
        return _pointer_arithmetic(op, left, right, span)
    if op in "+-":
        refuse_float(op, left, right)
        if not (is_integral(left.type) and is_integral(right.type)):
            raise incompatible(op, left, right, span)
    require = require_arithmetic if op in "*/" else require_integral
    require(op, left)
    require(op, right)
    if op in ("<<", ">>"):
        type_ = promote(promoted(left))
        count = convert(right, promote(promoted(right)))
        return _fold(op, type_, convert(left, type_), count, span)
    type_ = usual_conversion(promoted(left), promoted(right))
    return _fold(op, type_, convert(left, type_), convert(right, type_), span)


def _fold(op: str, type_: Type, left: Expr, right: Expr, span: Span) -> Expr:
    if op in "/%" and isinstance(right, tree.Const) and right.value == 0:
        raise Diagnostic("D_DIV_ZERO", "expression contains division by zero", span)
    if isinstance(left, tree.Const) and isinstance(right, tree.Const):
        value = fold(op, left.value, right.value, type_)
        return tree.Const(type_, span, value)
    return tree.Binary(type_, span, op, left, right)


def fold(op: str, a: int, b: int, type_: Type) -> int:
    """What the kernel would compute; shift counts wrap at 64 as the machine's do."""
    match op:
        case "+":
            value = a + b
        case "-":
            value = a - b
        case "*":
            value = a * b
        case "/" | "%":
            quotient = abs(a) // abs(b)
            quotient = -quotient if (a < 0) != (b < 0) else quotient
            value = quotient if op == "/" else a - quotient * b
        case "&":
            value = a & b
        case "|":
            value = a | b
        case "^":
            value = a ^ b
        case "<<":
            value = a << (b & 63)
        case ">>":
            value = a >> (b & 63)
        case _:
            raise AssertionError(op)
    return wrap(value, type_)


def points_to_no_size(type_: Type) -> bool:
    """Pointers to void and to functions: there is nothing to count in."""
    type_ = type_.resolve()
    return isinstance(type_, PointerType) and isinstance(
        type_.target.resolve(), (VoidType, FunctionType)
    )


def _element_size(pointer: Expr, op: str) -> int:
    type_ = pointer.type.resolve()
    assert isinstance(type_, PointerType)
    target = type_.target.resolve()
    if isinstance(target, StructType) and not target.complete:
        raise Diagnostic(
            "D_OP_INCOMPLETE",
            f"operator {op} cannot be applied to a pointer to incomplete type {target}",
            pointer.span,
        )
    return max(1, target.size)


def _pointer_arithmetic(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    left_pointer, right_pointer = is_pointer_like(left.type), is_pointer_like(right.type)
    if left_pointer and right_pointer:
        if op != "-" or not same_type(left.type, right.type):
            raise incompatible(op, left, right, span)
        difference = _fold("-", LONG, convert(left, LONG), convert(right, LONG), span)
        return _fold("/", LONG, difference, tree.Const(LONG, span, _element_size(left, op)), span)
    if right_pointer and op == "-":
        raise incompatible(op, left, right, span)
    pointer, integer = (left, right) if left_pointer else (right, left)
    require_integral(op, integer)
    size = tree.Const(LONG, span, _element_size(pointer, op))
    scaled = _fold("*", LONG, convert(integer, LONG), size, span)
    if isinstance(pointer, tree.Const) and isinstance(scaled, tree.Const):
        return tree.Const(pointer.type, span, fold(op, pointer.value, scaled.value, ULONG))
    return tree.Binary(pointer.type, span, op, pointer, scaled)


# ------------------------------------------------------------------- comparison, logic


def compare(op: str, left: Expr, right: Expr, span: Span, string: StringType) -> Expr:
    """A relational operator.  Strings compare as strings, also with NULL and integer 0."""
    if is_string(left) or is_string(right):
        left, right = _string_operand(left, right), _string_operand(right, left)
        if not (is_string_like(left) and is_string_like(right)):
            raise incompatible(op, left, right, span)
        left, right = to_string(left, string), to_string(right, string)
        return tree.Compare(INT, span, op, left, right)  # type: ignore[arg-type]
    left, right = decay(left), decay(right)
    refuse_float(op, left, right)
    if is_integral(left.type) and is_integral(right.type):
        type_: Type = usual_conversion(promoted(left), promoted(right))
    elif is_scalar(left.type) and is_scalar(right.type):
        if not _comparable(left, right):
            raise incompatible(op, left, right, span)
        type_ = ULONG
    else:
        raise incompatible(op, left, right, span)
    left, right = convert(left, type_), convert(right, type_)
    if isinstance(left, tree.Const) and isinstance(right, tree.Const):
        return tree.Const(INT, span, int(_compare_values(op, left.value, right.value)))
    return tree.Compare(INT, span, op, left, right)  # type: ignore[arg-type]


def _string_operand(expr: Expr, other: Expr) -> Expr:
    if is_null(expr) and is_string(other):
        return tree.Text(StringType(1), expr.span, b"")
    return expr


def _comparable(left: Expr, right: Expr) -> bool:
    if is_pointer_like(left.type) and is_pointer_like(right.type):
        return same_type(left.type, right.type) or is_null(left) or is_null(right)
    # D compares pointers with integers of any kind (dt_node_is_ptrcompat takes constants 0;
    # scripts compare with arg0, an int64_t, so every integer is taken).
    return True


def _compare_values(op: str, a: int, b: int) -> bool:
    return {
        "==": a == b,
        "!=": a != b,
        "<": a < b,
        "<=": a <= b,
        ">": a > b,
        ">=": a >= b,
    }[op]


def logical(op: str, left: Expr, right: Expr, span: Span) -> Expr:
    left, right = truth(left, op), truth(right, op)
    if isinstance(left, tree.Const) and isinstance(right, tree.Const):
        a, b = left.value != 0, right.value != 0
        value = {"&&": a and b, "||": a or b, "^^": a != b}[op]
        return tree.Const(INT, span, int(value))
    return tree.Logical(INT, span, op, left, right)  # type: ignore[arg-type]


def conditional(
    condition: Expr, then: Expr, otherwise: Expr, span: Span, string: StringType
) -> Expr:
    """`?:`; void operands (actions) make the whole void, mixed string and NULL a string."""
    condition = truth(condition, "?:")
    refuse_dynamic("?:", then, otherwise)
    type_: Type
    if isinstance(then.type.resolve(), VoidType) or isinstance(otherwise.type.resolve(), VoidType):
        return tree.Conditional(VOID, span, condition, then, otherwise)
    if is_string(then) or is_string(otherwise):
        then, otherwise = _string_operand(then, otherwise), _string_operand(otherwise, then)
        if not (is_string_like(then) and is_string_like(otherwise)):
            raise incompatible("?:", then, otherwise, span)
        then, otherwise = to_string(then, string), to_string(otherwise, string)
        if isinstance(condition, tree.Const):
            return then if condition.value else otherwise
        return tree.Conditional(string, span, condition, then, otherwise)
    if isinstance(then.type.resolve(), (StructType, FloatType)):
        if not same_type(then.type, otherwise.type):
            raise incompatible("?:", then, otherwise, span)
        return tree.Conditional(then.type, span, condition, then, otherwise)
    then, otherwise = decay(then), decay(otherwise)
    if is_integral(then.type) and is_integral(otherwise.type):
        type_ = usual_conversion(promoted(then), promoted(otherwise))
    elif is_pointer_like(then.type) and (
        same_type(then.type, otherwise.type) or is_null(otherwise)
    ):
        type_ = then.type
    elif is_pointer_like(otherwise.type) and is_null(then):
        type_ = otherwise.type
    else:
        raise incompatible("?:", then, otherwise, span)
    then, otherwise = convert(then, type_), convert(otherwise, type_)
    if isinstance(condition, tree.Const):
        return then if condition.value else otherwise
    return tree.Conditional(type_, span, condition, then, otherwise)
