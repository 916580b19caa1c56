"""docs/language.md is held to the cases, the built-in tables and the manual's chapters."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from dscript.builtins.actions import ACTIONS
from dscript.builtins.subroutines import ABSENT_SUBROUTINES, SUBROUTINES
from dscript.builtins.variables import BUILTIN_VARIABLES
from tests.language.casefile import read_cases

TESTS = Path(__file__).resolve().parents[1]
TEXT = (TESTS.parent / "docs/language.md").read_text()
CASES = read_cases()
NAMES = [f"{case.chapter}/{case.name}" for case in CASES]

Row = tuple[str, str, str, tuple[str, ...]]


def rows() -> list[Row]:
    """(feature, status, note, what shows it) of every table row."""
    found = []
    for line in TEXT.splitlines():
        if not line.startswith("| ") or line.startswith(("| ---", "| feature", "| variables |")):
            continue
        cells = [cell.strip() for cell in line.rstrip()[1:-1].split("|")]
        if cells[1] == "status":
            continue
        assert len(cells) == 4, line
        found.append((cells[0], cells[1], cells[2], tuple(re.findall(r"`([^`]+)`", cells[3]))))
    return found


ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:50] for row in ROWS])
def test_row(row: Row) -> None:
    feature, status, note, shown = row
    assert status in ("yes", "differs", "refused"), feature
    assert status == "yes" or note, f"{feature}: a note must say what is different"
    assert shown, f"{feature}: nothing shows it"
    for pattern in shown:
        matches = [name for name in NAMES if fnmatchcase(name, pattern)]
        files = list(TESTS.glob(pattern.removeprefix("tests/")))
        assert matches or files, f"{feature}: there is no {pattern}"


def test_every_chapter_of_the_cases_is_named() -> None:
    patterns = [pattern for row in ROWS for pattern in row[3]]
    chapters = {case.chapter for case in CASES}
    unnamed = {c for c in chapters if not any(p.startswith(f"{c}/") for p in patterns)}
    assert not unnamed


def test_every_built_in_is_named() -> None:
    known = (*BUILTIN_VARIABLES, *SUBROUTINES, *ABSENT_SUBROUTINES, *ACTIONS)
    words = set(re.findall(r"\w+", TEXT))
    missing = [name for name in known if name not in words and not name.startswith("__")]
    assert not missing


def test_enough_cases() -> None:
    assert len(CASES) >= 1000
