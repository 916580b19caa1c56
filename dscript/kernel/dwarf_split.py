"""Debug information that the compiler left beside the program (gcc -gsplit-dwarf).

The file itself then has a skeleton of each unit: its addresses, and the name of the `.dwo` file
that the unit lies in (DWARF 5, section 3.1.2; before that GNU's extension of DWARF 4, with the
same sections and attributes of its own).  dwp(1) packs many of these into one `.dwp`, whose
index tells what part of each section belongs to a unit (DWARF 5, section 7.3.5).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from functools import cached_property

from dscript.kernel import elf
from dscript.kernel.dwarf import Dwarf
from dscript.kernel.dwarf_forms import At
from dscript.kernel.dwarf_units import TYPE_UNITS, Unit

# Columns of an index (DW_SECT_*): those that are looked at.  8 is macros before DWARF 5.
_INFO, _TYPES, _ABBREV, _STR_OFFSETS, _RNGLISTS = 1, 2, 3, 6, 8
# Bytes before what units count from, which nothing points behind in such files.
_STR_OFFSETS_HEADER, _RNGLISTS_HEADER = 8, 12
# Where the parts of sections that a unit uses begin, by column.
_Parts = dict[int, int]


class SplitDwarf(Dwarf):
    """A `.dwo` or `.dwp` file."""

    def section(self, name: str) -> bytes:
        # A .dwo file is not linked: every type unit has a section of its own.
        return self._image.sections(f"{name}.dwo")

    @cached_property
    def _by_number(self) -> dict[int, Unit]:
        return {unit.split_number: unit for unit in self.units() if unit.kind not in TYPE_UNITS}

    def unit_for(self, skeleton: Unit) -> Unit | None:
        """The unit that a skeleton stands for; None where it is of another build."""
        found = self._by_number.get(skeleton.split_number)
        if found is not None:
            found.skeleton = skeleton
        return found

    def part(self, unit: int, version: int, of: str) -> int:
        parts = self._parts.get(unit, {})
        if of == "abbreviations":
            return parts.get(_ABBREV, 0)
        if of == "range lists":
            return parts.get(_RNGLISTS, 0) + (_RNGLISTS_HEADER if version >= 5 else 0)
        return parts.get(_STR_OFFSETS, 0) + (_STR_OFFSETS_HEADER if version >= 5 else 0)

    @cached_property
    def _parts(self) -> dict[int, _Parts]:
        """Of a package, by where a unit begins."""
        found: dict[int, _Parts] = {}
        for name in (".debug_cu_index", ".debug_tu_index"):
            for parts in _rows(super().section(name)):
                if _TYPES in parts:
                    found[self.types_start + parts[_TYPES]] = parts
                elif _INFO in parts:
                    found[parts[_INFO]] = parts
        return found


def _rows(data: bytes) -> Iterator[_Parts]:
    """The rows of an index: offsets by column."""
    if len(data) < 16:
        return
    _, columns, units, slots = struct.unpack_from("<IIII", data)
    at = 16 + 12 * slots
    form = f"<{columns}I"
    ids = struct.unpack_from(form, data, at)
    for row in range(1, units + 1):
        offsets = struct.unpack_from(form, data, at + 4 * columns * row)
        yield dict(zip(ids, offsets, strict=True))


class SplitFiles:
    """Finds what the skeletons of a program stand for; `paths` are its file and its debug file."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self._files: dict[str, SplitDwarf | None] = {}
        self.missing = ""  # the name of one that is not there

    def unit(self, skeleton: Unit) -> Unit | None:
        """The unit that a skeleton stands for."""
        name = skeleton.root.attributes.get(At.DWO_NAME) or skeleton.root.attributes.get(
            At.GNU_DWO_NAME
        )
        if not isinstance(name, str) or not name:
            return None
        for path in self._candidates(skeleton, name):
            file = self._open(path)
            unit = file.unit_for(skeleton) if file is not None else None
            if unit is not None:
                return unit
        self.missing = self.missing or name
        return None

    def _candidates(self, skeleton: Unit, name: str) -> Iterator[str]:
        """As gdb looks for them: the package beside the program, the name in the folder that was
        compiled in, and beside the program."""
        for path in self._paths:
            yield f"{path}.dwp"
        folder = skeleton.root.attributes.get(At.COMP_DIR)
        if os.path.isabs(name) or isinstance(folder, str):
            yield os.path.join(folder if isinstance(folder, str) else "", name)
        for path in self._paths:
            yield os.path.join(os.path.dirname(path), name)
            yield os.path.join(os.path.dirname(path), os.path.basename(name))

    def _open(self, path: str) -> SplitDwarf | None:
        if path not in self._files:
            self._files[path] = None
            if os.path.isfile(path):
                try:
                    self._files[path] = SplitDwarf(elf.read(path))
                except elf.BadElf:
                    return None
        return self._files[path]
