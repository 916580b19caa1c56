"""The uprobe provider: functions of a file in every process that runs it.

`uprobe:/path/of/file:FUNCTION:NAME`, as the pid provider but for the first two fields; in
place of a path stands the name of a library, or of a command as a shell would find it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from dscript.kernel import elf
from dscript.providers import usercode
from dscript.providers.base import ArgumentType, Described, Pattern, ProbePoint, is_glob
from dscript.providers.usercode import CodeFile


class _Uprobe:
    names = ("uprobe", "uretprobe")

    def match(self, pattern: Pattern) -> Sequence[ProbePoint]:
        try:
            found = usercode.points(self._file(pattern), pattern)
        except elf.BadElf:
            return []
        return found if len(found) <= usercode.MAX_PROBES else []

    def _file(self, pattern: Pattern) -> CodeFile:
        """Raises BadElf, with the reason."""
        path = find_file(pattern.module)
        if path is None:
            raise elf.BadElf(_no_file(pattern.module))
        return CodeFile(elf.read(path), pattern.module, "uprobe")

    def arguments(self, point: ProbePoint) -> Sequence[ArgumentType]:
        return usercode.arguments(point)

    def missing(self, pattern: Pattern) -> str | None:
        try:
            return usercode.why_nothing(self._file(pattern), pattern)
        except elf.BadElf as bad:
            return str(bad)

    def candidates(self, pattern: Pattern) -> tuple[str, Sequence[str]]:
        try:
            file = self._file(pattern)
        except elf.BadElf:
            return "", ()
        if is_glob(pattern.function):
            return "", ()
        return pattern.function, list(usercode.matching(file.image, ""))

    def described(self) -> Sequence[Described]:
        return (
            Described(
                "`uprobe:`*file*`:`*function*`:entry`, `return`, offset",
                "as `pid`, in every process",
                "as `pid`",
                fallback="as `pid`",
            ),
        )


def find_file(module: str) -> str | None:
    """The file that a module field means: a path, a library's name, a command's."""
    if "/" in module:
        return module if os.path.exists(module) else None
    if is_glob(module):
        return None
    return usercode.find_library(module) or shutil.which(module)


def _no_file(module: str) -> str:
    if is_glob(module):
        return "name the file: uprobe:/path/of/file:function:entry"
    return f"there is no file {module}"


PROVIDER = _Uprobe()
