"""What an address resolves to."""

from __future__ import annotations

from typing import NamedTuple


class Symbol(NamedTuple):
    """`name` is empty where only the module is known; then `offset` is meaningless."""

    module: str
    name: str
    offset: int
