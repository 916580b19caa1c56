"""What the parts of an expression become: places and strings.  Scalars are 64-bit values."""

from __future__ import annotations

from typing import NamedTuple

from dscript.object.function import Function
from dscript.object.values import Value


class Place(NamedTuple):
    """`pointer` for BPF memory, else `address` in the kernel or, with `user`, in the process.

    `maybe_null` says that the pointer must be tested before use (an absent element).
    """

    pointer: Value | None = None
    address: Value | None = None
    maybe_null: bool = False
    user: bool = False

    def moved(self, f: Function, offset: int | Value) -> Place:
        if self.pointer is not None:
            return Place(pointer=f.gep(self.pointer, offset), maybe_null=self.maybe_null)
        assert self.address is not None
        return Place(address=f.op("add", self.address, offset), user=self.user)


class Str(NamedTuple):
    """`pointer` to at most `capacity` bytes with a NUL; `literal` when the text is known."""

    pointer: Value
    capacity: int
    literal: bytes | None = None
