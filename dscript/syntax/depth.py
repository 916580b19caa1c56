"""A bound on nesting, so that the passes after the parser may recurse over the tree."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

from dscript.errors import Diagnostic, Span
from dscript.syntax import ast

# Levels of AST nodes: a chain `a + b + …` has one for each operator.
MAX_DEPTH = 1000
# Python's default limit of 1,000 frames serves this many levels: a pass takes up to three for
# one, and what lowers expressions a few more.
_SHALLOW = 100
_FRAMES = 12 * MAX_DEPTH


# Names of the fields of a class that hold nodes.
_child_fields: dict[type, tuple[str, ...]] = {}


def _fields(kind: type[Any]) -> tuple[str, ...]:
    names = _child_fields.get(kind)
    if names is None:
        leaves = ("str", "int", "bool", "Span")
        names = tuple(f.name for f in fields(kind) if f.type not in leaves)
        _child_fields[kind] = names
    return names


def check(item: ast.Node) -> None:
    """Raise D_SYNTAX when an item is nested deeper than `MAX_DEPTH`.

    An item that is deep, but not that deep, raises the interpreter's recursion limit.
    """
    span = item.span
    if span.end - span.start <= _SHALLOW:  # a level takes a character at least
        return
    level: list[Any] = [item]
    for depth in range(MAX_DEPTH):
        if depth == _SHALLOW:
            sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))
        below: list[Any] = []
        for node in level:
            for name in _fields(type(node)):
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


def span_of(nodes: list[object]) -> Span | None:
    """The span of the first node that has one."""
    return next((node.span for node in nodes if isinstance(node, ast.Node)), None)
