"""What makes a class a node of the syntax tree: a data class at half the price.

The tree has some sixty classes, and a compiler that starts for every script pays for their
creation each time.  `dataclass` writes and compiles five methods for a frozen one; here
`__eq__`, `__hash__` and `__repr__` are inherited and freezing is left to the type checker,
which takes import from 15 to 5 ms and halves the time to build a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


class Comparable:
    """Equality, hash and text by the fields that take part in them, as in data classes."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        for name in _compared(type(self)):  # noqa: SIM110 (one stack frame for a level)
            if getattr(self, name) != getattr(other, name):
                return False
        return True

    def __hash__(self) -> int:
        kind = type(self)
        return hash((kind, *[getattr(self, name) for name in _compared(kind)]))

    def __repr__(self) -> str:
        parts = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr]  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(parts)})"


_names: dict[type[Any], tuple[str, ...]] = {}


def _compared(kind: type[Any]) -> tuple[str, ...]:
    names = _names.get(kind)
    if names is None:
        names = _names[kind] = tuple(f.name for f in fields(kind) if f.compare)
    return names


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def node(kind: type[T]) -> type[T]:
    """A data class with keyword arguments and slots, not to be changed once made."""
    return dataclass(kw_only=True, slots=True, eq=False, repr=False)(kind)


def below(root: object) -> Iterator[Any]:
    """The node and all nodes under it; tuples of nodes are looked into."""
    stack = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(item)
        elif isinstance(item, Comparable):
            yield item
            stack.extend(getattr(item, name) for name in _compared(type(item)))
