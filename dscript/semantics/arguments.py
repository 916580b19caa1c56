"""`args[n]`: the typed arguments of the probes that a clause is enabled on.

The type and the place are those that all of the clause's probes agree on (manual, chapter
"Variables", built-in variable `args[]`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from dscript.dtypes.names import from_words
from dscript.dtypes.types import (
    CHAR,
    LONG,
    ArrayType,
    PointerType,
    StringType,
    StructType,
    Type,
    VoidType,
    is_integral,
    is_scalar,
)
from dscript.errors import Diagnostic, Span
from dscript.providers import ArgumentType, ProbePoint, untyped
from dscript.providers import arguments as probe_arguments
from dscript.semantics import tree
from dscript.semantics.base import Checker
from dscript.semantics.derived import argument as derived_argument
from dscript.semantics.derived import derivation
from dscript.semantics.tree import Expr
from dscript.syntax import ast

_QUALIFIERS = frozenset(("const", "volatile", "restrict", "__user", "__kernel", "__rcu"))


def check_argument(checker: Checker, node: ast.Index) -> Expr:
    """`args[n]` of the clause being checked."""
    index = _index(checker, node)
    points = checker.environment.points
    if not points:
        raise Diagnostic(
            "D_ARGS_NONE",
            "args[ ] may not be referenced because the clause has no probe",
            node.span,
        )
    if derivation(points) is not None:
        return derived_argument(checker, index, node.span)
    found = _agreed(points, index, node.span)
    type_ = _type(checker, found)
    if found.type is not None:
        return _of_function(found, index, node.span)
    declared = _declared(checker, points, index)
    if declared is not None and found.size:
        return _of_declared(checker, declared, found, index, node.span)
    if type_ is None or isinstance(type_.resolve(), VoidType):
        raise Diagnostic(
            "D_ARGS_TYPE",
            f"args[{index}] has a type that is not known here: "
            f"{found.d_type or 'tracefs cannot be read'}",
            node.span,
            f"use arg{index} for its integer value" if index < 10 else None,
        )
    if not is_scalar(type_) or (found.word < 0 and not found.size):
        raise Diagnostic(
            "D_ARGS_TYPE",
            f"args[{index}], of type {type_}, cannot be read at this probe",
            node.span,
        )
    return tree.ProbeArgument(type_, node.span, index, found)


def _of_function(found: ArgumentType, index: int, span: Span) -> Expr:
    """An argument of a function in user code; of a structure, the place where it is."""
    type_ = found.type
    assert type_ is not None
    resolved = type_.resolve()
    if found.word < 0:
        raise Diagnostic(
            "D_ARGS_TYPE",
            f"args[{index}], of type {type_}, is not in a register that a probe can read",
            span,
        )
    if is_scalar(type_) and found.passed == "value":
        return tree.ProbeArgument(type_, span, index, found)
    if found.passed == "registers" and isinstance(resolved, (StructType, ArrayType)):
        return tree.ProbeArgument(type_, span, index, found)
    address = tree.ProbeArgument(PointerType(type_, user=True), span, index, found)
    return tree.Deref(type_, span, address)


def word_of_go(index: int, span: Span) -> Expr:
    """`arg0`, … where functions of Go begin: the words that they are given in registers."""
    from dscript.providers.passing_go import registers

    if index >= registers(os.uname().machine)[0]:
        raise Diagnostic(
            "D_ARGS_IDX",
            f"arg{index} of a Go function is not in a register that a probe can read",
            span,
        )
    place = ArgumentType("", "int64_t", index, size=8, type=LONG, registers="go")
    return tree.ProbeArgument(LONG, span, index, place)


def _declared(checker: Checker, points: Sequence[ProbePoint], index: int) -> Type | None:
    """The type that a provider declared in the program gives to an argument of its probes."""
    found: list[Type] = []
    for point in points:
        if point.attach.context != "usdt":
            return None
        provider = point.probe.provider.rstrip("0123456789").replace("-", "__")
        probes = checker.environment.providers.get(provider, {})
        native = probes.get(point.probe.name, ((), ()))[0]
        if index >= len(native):
            return None
        found.append(native[index])
    return found[0] if all(str(other) == str(found[0]) for other in found) else None


def _of_declared(
    checker: Checker, type_: Type, found: ArgumentType, index: int, span: Span
) -> Expr:
    """An argument as declared: pointers lead into the process, a `string` is read there."""
    resolved = type_.resolve()
    if isinstance(resolved, StringType):
        text = PointerType(CHAR, user=True)
        return tree.ToString(
            checker.environment.string, span, tree.ProbeArgument(text, span, index, found)
        )
    if isinstance(resolved, PointerType):
        type_ = PointerType(resolved.target, user=True)
    return tree.ProbeArgument(type_, span, index, found)


def _index(checker: Checker, node: ast.Index) -> int:
    if len(node.indices) != 1:
        raise Diagnostic(
            "D_PROTO_LEN",
            f"args[ ] prototype mismatch: {len(node.indices)} args passed, 1 expected",
            node.span,
        )
    value = checker.check(node.indices[0])
    if not isinstance(value, tree.Const) or not is_integral(value.type):
        raise Diagnostic(
            "D_ARGS_TYPE", "args[ ] must be subscripted by an integer constant", node.span
        )
    if value.value < 0:
        raise _out_of_range(value.value, "", node.span)
    return value.value


def _out_of_range(index: int, probe: str, span: Span) -> Diagnostic:
    return Diagnostic("D_ARGS_IDX", f"index {index} is out of range for {probe}args[ ]", span)


def _agreed(points: Sequence[ProbePoint], index: int, span: Span) -> ArgumentType:
    """The argument, where all probes have the same one there."""
    first = points[0]
    agreed = _argument(first, index, span)
    for point in points[1:]:
        other = _argument(point, index, span)
        if other != agreed and not _alike(agreed, other):
            raise Diagnostic(
                "D_ARGS_MULTI",
                "args[ ] may not be referenced because the clause's probes have different "
                f"arguments: {first.probe} has {agreed.d_type}, {point.probe} {other.d_type}",
                span,
            )
    return agreed


def _alike(a: ArgumentType, b: ArgumentType) -> bool:
    """Names of parameters do not matter."""
    return (a.d_type, a.word, a.offset, a.size, a.signed, a.passed, a.registers) == (
        b.d_type,
        b.word,
        b.offset,
        b.size,
        b.signed,
        b.passed,
        b.registers,
    )


def _argument(point: ProbePoint, index: int, span: Span) -> ArgumentType:
    known = probe_arguments(point)
    if index >= len(known):
        wrong = _out_of_range(index, f"{point.probe} ", span)
        if not known:
            wrong.hint = untyped(point)
        raise wrong
    return known[index]


# ---------------------------------------------------------------------------- type texts


def _type(checker: Checker, argument: ArgumentType) -> Type | None:
    if argument.type is not None:
        return argument.type
    if argument.btf is not None:
        from dscript.kernel import btf_types

        type_ = btf_types.by_id(*argument.btf)
    else:
        type_ = type_from_text(checker, argument.d_type)
    return PointerType(type_.element) if isinstance(type_, ArrayType) else type_


def type_from_text(checker: Checker, text: str) -> Type | None:
    """A type as a tracepoint's format file spells it: `const char *`, `struct stat *`, `u32`."""
    base, bracket, _ = text.partition("[")
    words = [w for w in base.replace("*", " * ").split() if w not in _QUALIFIERS]
    names = [w for w in words if w != "*"]
    type_ = _named(checker, names)
    if type_ is None:
        return None
    for _ in range(words.count("*") + bool(bracket)):
        type_ = PointerType(type_)
    return type_


def _named(checker: Checker, names: list[str]) -> Type | None:
    kernel = checker.environment.kernel
    if len(names) == 2 and names[0] in ("struct", "union"):
        found = kernel.struct(names[0], names[1])
        return found or StructType("union" if names[0] == "union" else "struct", names[1])
    if len(names) == 2 and names[0] == "enum":
        return kernel.enum(names[1])
    known = from_words(names)
    if known is None and len(names) == 1:
        known = checker.types.find_typedef(names[0])
    return known
