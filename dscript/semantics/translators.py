"""Translators: `xlate <type> (expr)->member` becomes the member's expression.

Only the members that a program names are ever computed (manual, chapter "Translators").
"""

from __future__ import annotations

from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.dtypes.types import ArrayType, PointerType, StringType, StructType, Type
from dscript.errors import Diagnostic, Span
from dscript.semantics import conversions
from dscript.semantics.base import Checker
from dscript.semantics.environment import InlineDefinition, TranslatorDefinition, suggestion
from dscript.semantics.inlines import bind_arguments
from dscript.semantics.tree import (
    AddressOf,
    Assign,
    Comma,
    Expr,
    MemberRef,
    Variable,
    VariableRef,
)
from dscript.semantics.typenames import describe
from dscript.syntax import ast


def declare_translator(checker: Checker, node: ast.Translator) -> None:
    environment = checker.environment
    output = checker.types.resolve(node.output)
    struct = output.resolve()
    if not isinstance(struct, StructType):
        raise Diagnostic(
            "D_XLATE_SOU",
            f"translator output type must be a struct or union, not {describe(output)}",
            node.output.span,
        )
    if not struct.complete:
        raise Diagnostic(
            "D_XLATE_SOU",
            f"translator output type is incomplete: {describe(output)}",
            node.output.span,
            "declare its members first",
        )
    source = checker.types.resolve(node.input)
    for member in node.members:
        if struct.find(member.name) is None:
            raise Diagnostic(
                "D_XLATE_MEMB",
                f"translator member {member.name} is not a member of {struct}",
                member.span,
                suggestion(member.name, struct.names()),
            )
    for known in environment.translators:
        if conversions.same_type(known.output, struct) and conversions.same_type(
            known.input, source
        ):
            raise Diagnostic(
                "D_XLATE_REDECL",
                f"translator from {describe(source)} to {describe(output)} "
                "has already been declared",
                node.span,
            )
    definition = TranslatorDefinition(struct, source, node)
    environment.translators.append(definition)
    if _points_nowhere(source):
        return  # of a kernel that has such things; this one cannot come to use it
    stand_in = Expr(source, node.span)
    for member in node.members:
        _member(checker, definition, stand_in, member, member.span)


def _points_nowhere(source: Type) -> bool:
    """A pointer to a structure whose members nothing tells."""
    source = source.resolve()
    target = source.target.resolve() if isinstance(source, PointerType) else source
    return isinstance(target, StructType) and target is not source and not target.complete


def check_member(checker: Checker, xlate: ast.Xlate, name: str, arrow: bool, span: Span) -> Expr:
    """`xlate <T> (e).name` and `xlate <T *> (e)->name`."""
    wanted = checker.types.resolve(xlate.type).resolve()
    if arrow:
        if not isinstance(wanted, PointerType):
            raise Diagnostic(
                "D_OP_SOU",
                "left-hand side of operator -> must be a pointer to a struct or union",
                span,
            )
        wanted = wanted.target.resolve()
    elif isinstance(wanted, PointerType):
        raise Diagnostic(
            "D_OP_SOU", "left-hand side of operator . must be a struct or union", span, "write ->"
        )
    operand = conversions.decay(checker.check(xlate.operand))
    definition = _find(checker, wanted, operand, xlate.span)
    for member in definition.node.members:
        if member.name == name:
            return _member(checker, definition, operand, member, span)
    if definition.output.find(name) is None:
        raise Diagnostic(
            "D_TYPE_MEMBER",
            f"{name} is not a member of {definition.output}",
            span,
            suggestion(name, definition.output.names()),
        )
    raise Diagnostic(
        "D_XLATE_NOCONV",
        f"translator does not define conversion for member: {name}",
        span,
        suggestion(name, [member.name for member in definition.node.members]),
    )


def inline_translation(checker: Checker, node: ast.Member) -> Expr | None:
    """A member of an inline that stands for a translation: `curpsinfo->pr_pid`, `fds[0].fi_fs`.

    Of the translation only this member is computed.
    """
    environment = checker.environment
    args, found = _translating_inline(checker, node.base)
    if found is None:
        return None
    inline, xlate = found
    saved = environment.bindings
    environment.bindings = bind_arguments(checker, inline, args or (), node.base.span)
    try:
        return check_member(checker, xlate, node.name, node.arrow, node.span)
    finally:
        environment.bindings = saved


def translates_to_pointer(checker: Checker, node: ast.Expr) -> bool:
    """Whether an expression is a translated pointer, which has no value but its members."""
    xlate: ast.Expr = node
    if not isinstance(node, ast.Xlate):
        _, found = _translating_inline(checker, node)
        if found is None:
            return False
        xlate = found[1]
    assert isinstance(xlate, ast.Xlate)
    return isinstance(checker.types.resolve(xlate.type).resolve(), PointerType)


def _translating_inline(
    checker: Checker, base: ast.Expr
) -> tuple[tuple[ast.Expr, ...] | None, tuple[InlineDefinition, ast.Xlate] | None]:
    """The arguments in `base`, and the inline that it names with the translation it is."""
    environment = checker.environment
    args: tuple[ast.Expr, ...] | None = None
    if isinstance(base, ast.Index):
        args, base = base.indices, base.base
    if not isinstance(base, ast.Identifier) or base.name in environment.bindings:
        return args, None
    name = base.name
    if name not in environment.inlines and (
        ("global", name) in environment.variables
        or name in BUILTIN_VARIABLES
        or not environment.define(name)
    ):
        return args, None
    inline = environment.inlines.get(name)
    if inline is None or (inline.params is None) != (args is None):
        return args, None
    xlate = inline.node.value
    return args, (inline, xlate) if isinstance(xlate, ast.Xlate) else None


def has_translator(checker: Checker, wanted: Type, operand: Expr) -> bool:
    """Whether `wanted`, or what it points to, can be made of the operand."""
    target = wanted.resolve()
    struct = target.target.resolve() if isinstance(target, PointerType) else target
    try:
        _find(checker, struct, operand, operand.span)
    except Diagnostic:
        return False
    return True


def _find(checker: Checker, wanted: Type, operand: Expr, span: Span) -> TranslatorDefinition:
    for definition in checker.environment.translators:
        if not conversions.same_type(definition.output, wanted):
            continue
        if conversions.same_type(definition.input, operand.type):
            return definition
    libraries = checker.environment.libraries
    if libraries is not None and libraries.define_translators():
        return _find(checker, wanted, operand, span)
    raise Diagnostic(
        "D_XLATE_NONE",
        f'cannot translate from "{describe(operand.type)}" to "{describe(wanted)}"',
        span,
    )


def _member(
    checker: Checker,
    definition: TranslatorDefinition,
    operand: Expr,
    member: ast.TranslatorMember,
    span: Span,
) -> Expr:
    environment = checker.environment
    saved = environment.bindings
    environment.bindings = {definition.node.parameter: operand}
    try:
        value = checker.check(member.value)
    finally:
        environment.bindings = saved
    found = definition.output.find(member.name)
    assert found is not None
    if not conversions.fits(value, found.type, environment.string):
        raise Diagnostic(
            "D_XLATE_INCOMPAT",
            f"translator member {member.name} definition uses incompatible types: "
            f'"{describe(found.type)}" = "{describe(value.type)}"',
            span,
        )
    if conversions.is_string_like(value) and is_string_place(found.type):
        return conversions.to_string(value, environment.string)
    return conversions.assignable(value, found.type, span, environment.string)


def is_string_place(type_: Type) -> bool:
    """Members that hold text: taken by themselves they are strings of any length."""
    return isinstance(type_.resolve(), (StringType, ArrayType))


def check_xlate(checker: Checker, node: ast.Xlate) -> Expr:
    """A translation as a whole: all its members, in memory that lasts as long as the firing."""
    wanted = checker.types.resolve(node.type).resolve()
    struct, pointer = wanted, isinstance(wanted, PointerType)
    if isinstance(wanted, PointerType):
        struct = wanted.target.resolve()
    if not isinstance(struct, StructType):
        raise Diagnostic(
            "D_XLATE_SOU",
            f"xlate output type must be a struct or union, not {describe(struct)}",
            node.span,
        )
    operand = conversions.decay(checker.check(node.operand))
    definition = _find(checker, struct, operand, node.span)
    environment = checker.environment
    # No program can write this name: every translation has memory of its own.
    name = f"xlate {len(environment.variables)}"
    variable = checker.variables.add(Variable(name, "this", definition.output, declared=True))
    place = VariableRef(definition.output, node.span, variable)
    steps: list[Expr] = []
    for member in definition.node.members:
        value = _member(checker, definition, operand, member, node.span)
        found = definition.output.find(member.name)
        assert found is not None
        target = MemberRef(found.type, node.span, place, found)
        steps.append(Assign(found.type, node.span, target, value))
    last: Expr = place
    if pointer:
        last = AddressOf(PointerType(definition.output), node.span, place)
    return Comma(last.type, node.span, (*steps, last))
