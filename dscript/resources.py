"""Where the files that are not Python live: the grammar and the D library.

An installed package carries them inside itself (`dscript/grammar`, `dscript/stdlib`);
in a checkout they stand beside the package.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from dscript.errors import DscriptError


@cache
def directory(kind: Literal["grammar", "stdlib"]) -> Path:
    """The directory of that kind; a broken installation is a `DscriptError`."""
    package = Path(__file__).resolve().parent
    inside = package / kind
    if inside.is_dir():
        return inside
    beside = package.parent / kind
    if beside.is_dir() and (package.parent / "pyproject.toml").is_file():
        return beside
    raise DscriptError(
        f"the directory {kind!r} of the installation is missing (looked for {inside})",
        "install dscript again",
    )


def grammar_file() -> Path:
    """The lark grammar of D."""
    return directory("grammar") / "d.lark"


def stdlib_files(pattern: str = "*.d") -> list[Path]:
    """The files of the D library that match, in the order they are to be read.

    Those in the folder of this machine's architecture come last.
    """
    folder = directory("stdlib")
    machine = os.uname().machine
    return [*sorted(folder.glob(pattern)), *sorted((folder / machine).glob(pattern))]
