"""Places in memory: `*`, `&`, `->`, `.` and `[ ]`."""

from __future__ import annotations

from dataclasses import replace

from dscript.builtins.variables import ABSENT_VARIABLES, BUILTIN_VARIABLES
from dscript.dtypes.types import (
    CHAR,
    LONG,
    ArrayType,
    FunctionType,
    PointerType,
    StringType,
    StructType,
    VoidType,
    is_integral,
    is_pointer_like,
)
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions, kernels, operators, tree
from dscript.semantics.aggregations import multidimensional
from dscript.semantics.arguments import check_argument
from dscript.semantics.base import Checker
from dscript.semantics.derived import translated_member
from dscript.semantics.environment import suggestion
from dscript.semantics.inlines import use_inline
from dscript.semantics.names import absent_variable, check_external
from dscript.semantics.translators import check_member, inline_translation
from dscript.semantics.tree import Expr, Variable
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def dereference(operand: Expr, span: Span) -> Expr:
    operand = conversions.decay(operand)
    type_ = operand.type.resolve()
    if not isinstance(type_, PointerType):
        raise Diagnostic(
            "D_DEREF_NONPTR",
            "cannot dereference non-pointer type",
            span,
            f"the operand is of type {describe(operand.type)}",
        )
    target = type_.target.resolve()
    if isinstance(target, VoidType):
        raise Diagnostic(
            "D_DEREF_VOID", "cannot dereference pointer to void", span, "cast it first"
        )
    if isinstance(target, FunctionType):
        raise Diagnostic("D_DEREF_FUNC", "cannot dereference pointer to function", span)
    return _loaded(tree.Deref(type_.target, span, operand))


def _loaded(place: Expr) -> Expr:
    """A pointer that lies in the process leads into the process, whatever declared its type."""
    pointer = place.type.resolve()
    if isinstance(pointer, PointerType) and not pointer.user and tree.in_user_memory(place):
        place.type = replace(pointer, user=True)
    return place


def check_address(checker: Checker, node: ast.Unary) -> Expr:
    if isinstance(node.operand, ast.External):
        operand: Expr = check_external(checker, node.operand, only_address=True)
    else:
        operand = checker.check(node.operand)
    if isinstance(operand, tree.MemberRef) and operand.member.bits is not None:
        raise Diagnostic("D_ADDROF_BITFIELD", "cannot take address of bit-field member", node.span)
    places = (tree.Deref, tree.MemberRef, tree.IndexRef, tree.KernelSymbol)
    pointer = PointerType(operand.type, user=tree.in_user_memory(operand))
    if isinstance(operand, tree.Deref):
        return tree.Convert(pointer, node.span, operand.address)
    if isinstance(operand, places):
        return tree.AddressOf(pointer, node.span, operand)
    if isinstance(operand, (tree.VariableRef, tree.Element, tree.Builtin)):
        raise Diagnostic("D_ADDROF_VAR", "cannot take address of dynamic variable", node.span)
    raise Diagnostic("D_ADDROF_LVAL", "unary & requires an lvalue", node.span)


def check_member_access(checker: Checker, node: ast.Member) -> Expr:
    symbol = kernels.variable(checker, node.base)
    if symbol is not None:
        node = replace(node, base=symbol)
    if isinstance(node.base, ast.Xlate):
        return check_member(checker, node.base, node.name, node.arrow, node.span)
    translated = inline_translation(checker, node) or translated_member(checker, node)
    if translated is not None:
        return translated
    base = checker.check(node.base)
    if node.arrow:
        base = _pointed_struct(base, node)
    struct = base.type.resolve()
    if isinstance(struct, PointerType) and (found := kernels.member(checker, base, node)):
        return found
    if not isinstance(struct, StructType):
        pointer = isinstance(struct, PointerType)
        raise Diagnostic(
            "D_OP_SOU",
            "left-hand side of operator . must be a struct or union",
            node.span,
            "use -> on a pointer" if pointer else f"it is of type {describe(base.type)}",
        )
    if not struct.complete:
        raise Diagnostic(
            "D_OP_INCOMPLETE",
            f"operator {'->' if node.arrow else '.'} cannot be applied to incomplete type {struct}",
            node.span,
            _unknown_struct(checker, struct),
        )
    member = struct.find(node.name)
    if member is None and (found := kernels.member(checker, base, node)) is not None:
        return found
    if member is None:
        raise Diagnostic(
            "D_TYPE_MEMBER",
            f"{node.name} is not a member of {struct}",
            node.span,
            suggestion(node.name, struct.names()),
        )
    return _loaded(tree.MemberRef(member.type, node.span, base, member))


def _unknown_struct(checker: Checker, struct: StructType) -> str | None:
    """Why a structure of the kernel has no members here."""
    if checker.environment.kernel.struct("struct", "task_struct") is not None:
        return None
    return f"{struct} is the kernel's: its members are told by /sys/kernel/btf/vmlinux, not there"


def _pointed_struct(base: Expr, node: ast.Member) -> Expr:
    """What the pointer to the left of `->` points to."""
    base = conversions.decay(base)
    type_ = base.type.resolve()
    if not isinstance(type_, PointerType):
        raise Diagnostic(
            "D_OP_PTR",
            "operator -> must be applied to a pointer",
            node.span,
            f"the left-hand side is of type {describe(base.type)}",
        )
    if not isinstance(type_.target.resolve(), StructType):
        raise Diagnostic(
            "D_OP_SOU",
            "left-hand side of operator -> must be a pointer to a struct or union",
            node.span,
            f"it is of type {describe(base.type)}",
        )
    return tree.Deref(type_.target, base.span, base)


def check_index(checker: Checker, node: ast.Index) -> Expr:
    base = kernels.variable(checker, node.base) or node.base
    if base is not node.base:
        node = replace(node, base=base)
    if isinstance(base, ast.Identifier):
        name = base.name
        if name == "args" and ("global", name) not in checker.environment.variables:
            return check_argument(checker, node)
        inline = checker.environment.inlines.get(name)
        if inline is not None and inline.params is not None:
            return use_inline(checker, inline, node.indices, node.span)
        variable = checker.environment.variables.get(("global", name))
        unknown = variable is None and inline is None and name not in BUILTIN_VARIABLES
        if unknown and checker.environment.define(name):
            return check_index(checker, node)
        if variable is None and name in ABSENT_VARIABLES:
            raise absent_variable(name, node.span)
    elif isinstance(base, ast.Scoped):
        variable = checker.environment.variables.get((base.scope, base.name))
    else:
        variable = None
    if isinstance(base, ast.AggregationRef):
        raise multidimensional(base)
    if variable is not None and variable.keys is not None:
        return _element(checker, variable, node)
    return _subscript(checker, checker.check(base), node)


def _element(checker: Checker, variable: Variable, node: ast.Index) -> Expr:
    keys = tuple(checker.check(key) for key in node.indices)
    keys = checker.variables.match_keys(variable, keys, node.span)
    return tree.Element(variable.type, node.span, variable, keys)


def _subscript(checker: Checker, base: Expr, node: ast.Index) -> Expr:
    if len(node.indices) != 1:
        raise Diagnostic(
            "D_ARR_BADREF",
            f"cannot access {describe(base.type)} as an associative array",
            node.span,
        )
    index = checker.check(node.indices[0])
    if is_integral(base.type) and is_pointer_like(conversions.decay(index).type):
        base, index = index, base  # 2[array] is *(2 + array), as in C
    if not is_integral(index.type):
        raise operators.incompatible("+", conversions.decay(base), index, node.span)
    index = conversions.convert(index, LONG)
    type_ = base.type.resolve()
    if isinstance(type_, ArrayType):
        _check_bounds(tree.element_count(base), index, node.span)
        return _loaded(tree.IndexRef(type_.element, node.span, base, index))
    if isinstance(type_, StringType):
        return tree.IndexRef(CHAR, node.span, base, index)
    if not is_pointer_like(base.type):
        if isinstance(base, (tree.VariableRef, tree.Builtin)):
            name = base.name if isinstance(base, tree.Builtin) else str(base.variable)
            raise Diagnostic(
                "D_IDENT_BADREF", f"scalar '{name}' may not be referenced as array", node.span
            )
        raise Diagnostic(
            "D_DEREF_NONPTR",
            f"operator [ ] cannot be applied to type {describe(base.type)}",
            node.span,
        )
    return dereference(operators.binary("+", base, index, node.span), node.span)


def _check_bounds(count: int | None, index: Expr, span: Span) -> None:
    if count and isinstance(index, tree.Const) and not 0 <= index.value < count:
        raise Diagnostic(
            "D_ARR_BOUNDS",
            f"index outside array bounds: {index.value}, the array has {count} elements",
            span,
        )
