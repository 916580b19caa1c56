"""Probes made from other events: their conditions and arguments, which providers give as D."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TypeGuard

from dscript.dtypes.types import LONG
from dscript.errors import Diagnostic, Span
from dscript.program import Probe
from dscript.providers import ProbePoint, sources
from dscript.providers.base import Derived, Step
from dscript.semantics import conversions, tree
from dscript.semantics.base import Checker
from dscript.semantics.translators import check_member, translates_to_pointer
from dscript.semantics.tree import Expr
from dscript.semantics.walk import walk_clause
from dscript.source import Source
from dscript.syntax import ast

# Numbers of hidden probes: below and above those of all derived probes.
_BEFORE, _AFTER = 14_000, 19_000


def by_derivation(points: Sequence[ProbePoint]) -> list[list[ProbePoint]]:
    """The probes of a clause apart by where their conditions and arguments come from."""
    parts: dict[object, list[ProbePoint]] = {}
    for point in points:
        attach = point.attach
        key = None if attach.derived is None else (attach.kind, attach.target, attach.derived)
        parts.setdefault(key, []).append(point)
    return list(parts.values()) or [[]]


def derivation(points: Sequence[ProbePoint]) -> Derived | None:
    return points[0].attach.derived if points else None


def condition(checker: Checker, span: Span) -> Expr | None:
    """When the event is the probe; None for always."""
    derived = derivation(checker.environment.points)
    if derived is None or not derived.condition:
        return None
    with _parameters(checker, derived, span):
        return checker.condition(_parsed(derived.condition))


def step_clauses(
    checker: Checker, derived: Derived, known: dict[Step, tree.Clause], span: Span
) -> None:
    """Add to `known` the hidden clauses of the probe's steps; `index` is for the caller to set.

    They have no record.  Probes of one event fire in the order of their numbers, which puts
    steps before or behind all other derived probes.
    """
    environment = checker.environment
    saved = environment.points
    for step in derived.steps:
        if step in known:
            continue
        number = (_AFTER if step.after else _BEFORE) + len(known)
        own = Derived(step.parameters, step.condition)
        attach = sources.attach_point(step.kind, step.target, own)
        point = ProbePoint(Probe(number, "dscript", "", "", step.target), attach)
        environment.points = [point]
        filter_ = condition(checker, span)
        with _parameters(checker, own, span):
            body = tuple(tree.Do(span, checker.check(node)) for node in _statements(step.body))
        known[step] = tree.Clause(-1, [point], None, body, span, False, filter_)
    environment.points = saved


def argument(checker: Checker, index: int, span: Span) -> Expr:
    """`args[index]` as a whole."""
    derived, node = _argument(checker, index, span)
    with _parameters(checker, derived, span):
        return checker.check(node)


def integer_argument(checker: Checker, index: int, span: Span) -> Expr:
    """`arg0` … `arg9`: integers as they are, structures by their kernel address."""
    derived = derivation(checker.environment.points)
    assert derived is not None
    if index >= len(derived.arguments):
        return tree.Const(LONG, span, 0)
    node = _parsed(derived.arguments[index][1])
    with _parameters(checker, derived, span):
        value = checker.check(node.operand if isinstance(node, ast.Xlate) else node)
    if conversions.is_string(value):
        value = tree.AddressOf(LONG, span, value)
    return conversions.convert(conversions.decay(value), LONG)


def translated_member(checker: Checker, node: ast.Member) -> Expr | None:
    """`args[n]->member` where the provider translates the argument."""
    base, points = node.base, checker.environment.points
    if not _is_argument(base) or derivation(points) is None:
        return None
    index = checker.constant(base.indices[0])
    derived, xlate = _argument(checker, index, base.span)
    if not isinstance(xlate, ast.Xlate):
        return None
    with _parameters(checker, derived, base.span):
        try:
            return check_member(checker, xlate, node.name, node.arrow, node.span)
        except Diagnostic as wrong:
            if wrong.tag != "D_XLATE_NOCONV":
                raise
            probe, target = points[0].probe, points[0].attach.target
            where = f"{probe.provider}:::{probe.name} comes from {target} on this kernel"
            raise Diagnostic(
                wrong.tag, wrong.message, wrong.span, f"{where}, which does not tell it"
            ) from None


def is_translated_pointer(checker: Checker, node: ast.Expr) -> bool:
    """Whether an expression is a translation by pointer: `xlate <T *> (e)`, an inline that is
    one (`curpsinfo`), an argument that the provider translates (`args[0]`)."""
    if _is_argument(node) and derivation(checker.environment.points) is not None:
        _, node = _argument(checker, checker.constant(node.indices[0]), node.span)
    return translates_to_pointer(checker, node)


def _is_argument(node: ast.Expr) -> TypeGuard[ast.Index]:
    """Whether it is `args[n]`."""
    return (
        isinstance(node, ast.Index)
        and isinstance(node.base, ast.Identifier)
        and node.base.name == "args"
        and len(node.indices) == 1
    )


def needs_running(clause: tree.Clause) -> bool:
    """Whether it is about a thread that does not run yet, and needs its stack or memory."""
    derived = derivation(clause.points)
    if derived is None or derived.subject < 0:
        return False
    return any(_needs_running(node) for node in walk_clause(clause))


def running_points(clause: tree.Clause) -> Sequence[ProbePoint] | None:
    """Where a clause about a thread that does not run yet can fire with it running.

    None: such a clause fires nowhere else.  Raises D_UNKNOWN where the clause must and the
    kernel has no event for it.
    """
    derived = derivation(clause.points)
    if derived is None or derived.subject < 0:
        return None
    for step in derived.running:
        if sources.unavailable(step.kind, step.target) is None:
            made = Derived(step.parameters, step.condition, derived.arguments)
            attach = sources.attach_point(step.kind, step.target, made)
            return [replace(point, attach=attach) for point in clause.points]
    _refuse_memory(clause)
    return None


def _refuse_memory(clause: tree.Clause) -> None:
    for node in walk_clause(clause):
        name = _needs_running(node)
        if name:
            raise Diagnostic(
                "D_UNKNOWN",
                f"{name} is not available in {clause.points[0].probe}: the thread it fires for "
                "is not running yet",
                node.span,
            )


_OF_RUNNING = (
    "__user_registers",
    "caller",
    "copyin",
    "copyinstr",
    "copyinto",
    "progenyof",
    "stackdepth",
    "ucaller",
    "ustackdepth",
)


def _needs_running(node: Expr) -> str:
    match node:
        case tree.SubroutineCall(name=name) | tree.Builtin(name=name) if name in _OF_RUNNING:
            return "uregs[ ]" if name == "__user_registers" else name
        case tree.StackValue(kind=kind):
            return f"{kind}( )"
        case tree.SymbolValue(kind=kind) if kind.startswith("u"):
            return f"{kind}( )"
        case tree.ActionCall(kind=name) if name in ("raise", "stop"):
            return f"{name}( )"
    return ""


def _argument(checker: Checker, index: int, span: Span) -> tuple[Derived, ast.Expr]:
    points = checker.environment.points
    derived = derivation(points)
    assert derived is not None
    if not 0 <= index < len(derived.arguments):
        raise Diagnostic(
            "D_ARGS_IDX", f"index {index} is out of range for {points[0].probe} args[ ]", span
        )
    return derived, _parsed(derived.arguments[index][1])


@contextmanager
def _parameters(checker: Checker, derived: Derived, span: Span) -> Iterator[None]:
    """The names of the event's own arguments mean these inside, and nothing else does."""
    from dscript.kernel import btf_types

    environment = checker.environment
    saved = environment.bindings
    bindings: dict[str, Expr] = {}
    for name, place in sources.parameters(environment.points[0].attach):
        type_ = btf_types.by_id(*place.btf) if place.btf is not None else None
        if type_ is not None:
            # Not an element of args[]: the place alone tells where it lies.
            bindings[name] = tree.ProbeArgument(type_, span, -1, place)
    environment.bindings = bindings
    try:
        yield
    finally:
        environment.bindings = saved


def _parsed(text: str) -> ast.Expr:
    return _statements(text)[0]


@lru_cache(maxsize=256)
def _statements(text: str) -> tuple[ast.Expr, ...]:
    from dscript.syntax.parser import parse

    program = parse(Source("a provider's description", f"BEGIN {{ {text}; }}", is_library=True))
    clause = program.items[0]
    assert isinstance(clause, ast.Clause) and clause.body
    return tuple(node.expr for node in clause.body if isinstance(node, ast.ExprStmt))
