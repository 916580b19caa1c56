"""`dscript port` over the scripts of `scripts/`: classes, reasons, edits, counts."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dscript.port.verdict import Class
from tests.port.table import FOLDER, ROOT, counts, expected, judged, verdicts


@pytest.mark.parametrize("path", expected())
def test_class(path: str) -> None:
    verdict = verdicts()[path]
    said = "\n".join(map(str, verdict.findings))
    assert verdict.cls is expected()[path], said


def test_every_script_is_in_the_table() -> None:
    there = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.is_file()}
    assert there == set(expected())
    assert len(there) >= 110


@pytest.mark.parametrize("path", [p for p, c in expected().items() if c is Class.CANNOT])
def test_what_cannot_run_is_explained(path: str) -> None:
    """The place, and what is nearest here, for at least one reason."""
    reasons = verdicts()[path].of_kind("foreign")
    assert all(reason.line > 0 for reason in reasons)
    assert any(reason.nearest or reason.example for reason in reasons), reasons


@pytest.mark.parametrize("path", [p for p, c in expected().items() if c is Class.EDITS])
def test_edited_scripts_run_as_they_are(path: str, tmp_path: Path) -> None:
    """What is offered needs no further edits, and the diff is what makes it of the script."""
    verdict = verdicts()[path]
    written = tmp_path / os.path.basename(path)
    written.write_text(verdict.ported)
    again = judged([str(written)])[0]
    assert again.cls in (Class.UNCHANGED, Class.ALIASES)
    old = (FOLDER / path).read_text().splitlines()
    lines = [line for line in verdict.diff.splitlines()[2:] if not line.startswith("@@")]
    assert [line[1:] for line in lines if line[:1] in "- "] == _shown(old, verdict.diff)
    assert all(line[1:] in verdict.ported for line in lines if line.startswith("+"))


def _shown(old: list[str], diff: str) -> list[str]:
    """The lines of the old text that the hunks of a diff say they show."""
    shown: list[str] = []
    for start, count in re.findall(r"^@@ -(\d+)(?:,(\d+))? ", diff, re.MULTILINE):
        first = int(start) - 1
        shown += old[first : first + int(count or 1)]
    return shown


def test_aliases_are_listed() -> None:
    for path, cls in expected().items():
        listed = verdicts()[path].of_kind("alias")
        assert bool(listed) or cls is not Class.ALIASES
        assert not listed or cls is not Class.UNCHANGED


def test_what_means_something_else_is_noted() -> None:
    def notes(path: str) -> str:
        return " ".join(f"{f.subject} {f.text}" for f in verdicts()[path].of_kind("note"))

    assert "thread number" in notes("toolkit/threads.d")
    assert 'zonename is always "global"' in notes("toolkit/zones.d")
    assert "[execname, copyinstr(arg0) reads a string at the call's entry" in notes(
        "bsd/path_opens.d"
    )
    assert not notes("toolkit/newprocs.d")


def test_document_has_the_counts() -> None:
    assert counts() in (ROOT / "docs/porting.md").read_text()


def test_names_in_scripts_are_files() -> None:
    """Wrappers are executable, as their users have them."""
    for path in expected():
        if (FOLDER / path).read_bytes().startswith(b"#!"):
            assert os.access(FOLDER / path, os.X_OK), path
