"""Types of the code in a file: from its DWARF, that of its debug file, or its BTF.

The debug file is found by build ID or debug link (`elf.Elf.debug_file`), as gdb finds it; what
dwz shares between several, by .gnu_debugaltlink.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Protocol

from dscript.dtypes.types import Type
from dscript.kernel import debugfiles, elf
from dscript.kernel.dwarf import UNREADABLE, Dwarf
from dscript.kernel.dwarf_split import SplitFiles
from dscript.kernel.dwarf_types import Parameter, TypeKind, Types, UserFunction

__all__ = ["Parameter", "TypeKind", "UserFunction", "UserTypes", "of_image"]


class _Source(Protocol):
    def function(self, address: int) -> UserFunction | None: ...

    def named(self, kind: TypeKind, name: str, near: int | None = None) -> Type | None: ...


class UserTypes:
    """What a file tells of its types; `has_any` is False where it tells nothing."""

    def __init__(self, image: elf.Elf) -> None:
        self._split: SplitFiles | None = None
        self._source = self._find(image)

    @property
    def missing_file(self) -> str:
        """Name of a .dwo file that was looked for and is not there; empty if none was."""
        return "" if self._split is None else self._split.missing

    @property
    def has_any(self) -> bool:
        return self._source is not None

    def function(self, address: int) -> UserFunction | None:
        """What the function at a link-time address is called with; None where unknown."""
        if self._source is None:
            return None
        try:
            return self._source.function(address)
        except UNREADABLE:
            return None

    def named(self, kind: TypeKind, name: str, near: int | None = None) -> Type | None:
        """The type of a name: `struct`, `union` and `enum` by tag, `typedef` any other; as
        the source file of the code at `near` has it, where several have one."""
        if self._source is None:
            return None
        try:
            return self._source.named(kind, name, near)
        except UNREADABLE:
            return None

    def _find(self, image: elf.Elf) -> _Source | None:
        for candidate in _with_debug_file(image):
            if candidate.has_section(".debug_info") or candidate.has_section(".zdebug_info"):
                dwarf = Dwarf(candidate, _alternate(candidate))
                self._split = SplitFiles((image.path, candidate.path))
                dwarf.split = self._split.unit
                return Types(dwarf)
        section = image.section(".BTF")
        if section is None:
            return None
        from dscript.kernel.user_btf import BtfSource

        return BtfSource.of(section[1], image)


def of_image(image: elf.Elf) -> UserTypes:
    """The types of an ELF file (and its debug file)."""
    return _of_image(image)


@lru_cache(maxsize=32)
def _of_image(image: elf.Elf) -> UserTypes:
    return UserTypes(image)


def _with_debug_file(image: elf.Elf) -> list[elf.Elf]:
    found = [image]
    path = image.debug_file()
    if path is not None:
        try:
            found.append(elf.read(path))
        except elf.BadElf:
            return found
    return found


def _alternate(image: elf.Elf) -> Dwarf | None:
    """The file of .gnu_debugaltlink: a path, a NUL and a build ID."""
    link = image.section(".gnu_debugaltlink")
    if link is None:
        return None
    name, _, build_id = link[1].partition(b"\0")
    text, digits = name.decode("utf-8", "surrogateescape"), build_id.hex()
    folder = os.path.dirname(os.path.realpath(image.path))
    by_id = [f"{f}/.build-id/{digits[:2]}/{digits[2:]}.debug" for f in debugfiles.folders]
    for path in (os.path.join(folder, text), *by_id):
        if os.path.isfile(path):
            try:
                return Dwarf(elf.read(path))
            except elf.BadElf:
                return None
    return None
