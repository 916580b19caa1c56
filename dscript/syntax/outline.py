"""The syntax tree as indented text, one node a line, for `--emit ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from dscript.syntax.ast import Node, PointerTo


def outline(node: Node) -> str:
    return "\n".join(_lines(node, "", 0))


def _lines(node: object, label: str, depth: int) -> Iterator[str]:
    """A node with its plain fields on its own line, and its children below it."""
    plain: list[str] = []
    below: list[tuple[str, object]] = []
    for item in fields(node):  # type: ignore[arg-type]
        value = getattr(node, item.name)
        if item.name == "span":
            continue
        if _is_tree(value):
            below.append((item.name, value))
        elif isinstance(value, tuple) and any(map(_is_tree, value)):
            below += [(f"{item.name}[{n}]", child) for n, child in enumerate(value)]
        elif value not in ("", None, (), False):
            plain.append(f"{item.name}={value!r}")
    head = " ".join([type(node).__name__, *plain])
    yield "  " * depth + (f"{label}: " if label else "") + head
    for name, child in below:
        if _is_tree(child):
            yield from _lines(child, name, depth + 1)
        else:
            yield "  " * (depth + 1) + f"{name}: {child!r}"


def _is_tree(value: object) -> bool:
    return isinstance(value, Node | PointerTo) or hasattr(value, "__dataclass_fields__")
