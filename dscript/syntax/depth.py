"""A bound on nesting, so that the passes after the parser may recurse over the tree."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

from dscript.errors import Diagnostic
from dscript.syntax import ast

# Levels of AST nodes.  Python's default recursion limit is 1,000 frames, and a pass takes
# up to three for a level.
MAX_DEPTH = 200


@cache
def _child_fields(kind: type) -> tuple[str, ...]:
    return tuple(
        f.name for f in fields(kind) if f.name != "span" and f.type not in ("str", "int", "bool")
    )


def check(item: ast.Node) -> None:
    """Raise D_SYNTAX when an item is nested deeper than `MAX_DEPTH`."""
    span = item.span
    if span.end - span.start <= MAX_DEPTH:  # a level takes a character at least
        return
    level: list[object] = [item]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for node in level:
            for name in _child_fields(type(node)):
                value = getattr(node, name)
                if type(value) is tuple:
                    below.extend(_nodes(value))
                elif isinstance(value, _PARTS):
                    below.append(value)
        if not below:
            return
        level = below
    raise Diagnostic("D_SYNTAX", "nested too deeply", span_of(level) or span)


_PARTS = (ast.Node, ast.PointerTo, ast.ArrayOf, ast.AssociativeOf, ast.FunctionOf)


def _nodes(values: tuple[object, ...]) -> list[object]:
    found: list[object] = []
    for value in values:
        if isinstance(value, _PARTS):
            found.append(value)
        elif type(value) is tuple:  # the (type, name) of a parameter
            found.extend(part for part in value if isinstance(part, _PARTS))
    return found


def span_of(nodes: list[object]) -> ast.Span | None:
    """The span of the first node that has one."""
    return next((node.span for node in nodes if isinstance(node, ast.Node)), None)
