"""Walking the typed AST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from dscript.semantics.tree import Clause, Do, Expr, If, Program, Stmt

_FIELDS: dict[type, tuple[str, ...]] = {}


def children(expr: Expr) -> Iterator[Expr]:
    """Direct operands, in order."""
    kind = type(expr)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(
            f.name for f in fields(expr) if f.name not in ("type", "span")
        )
    for name in names:
        value = getattr(expr, name)
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Expr):
                    yield item


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all below it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def walk_body(body: Sequence[Stmt]) -> Iterator[Expr]:
    """Every expression of some statements."""
    for statement in body:
        if isinstance(statement, If):
            yield from walk(statement.condition)
            yield from walk_body(statement.then)
            yield from walk_body(statement.otherwise)
        elif isinstance(statement, Do):
            yield from walk(statement.expr)


def walk_clause(clause: Clause) -> Iterator[Expr]:
    if clause.filter is not None:
        yield from walk(clause.filter)
    if clause.predicate is not None:
        yield from walk(clause.predicate)
    yield from walk_body(clause.body)


def walk_program(program: Program) -> Iterator[Expr]:
    for clause in program.clauses:
        yield from walk_clause(clause)
