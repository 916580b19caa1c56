"""The language cases, each run through the installed command on this kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.casefile import Case, read_cases

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
CASES = read_cases()


def lines(text: str) -> list[str]:
    """Text without blanks at line ends and without empty lines around it."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def run(case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "case.d"
    script.write_text(case.program)
    words = [DSCRIPT, "-q", "-x", "errtags", *case.options, "-s", str(script), *case.arguments]
    environment = {**os.environ, "DSCRIPT_CACHE": "0"}
    return subprocess.run(
        words,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
        env=environment,
    )


def problems(case: Case, done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is not as expected."""
    found = []
    if case.tag:
        if f"[{case.tag}]" not in done.stderr:
            found.append(f"expected the tag {case.tag}")
        if case.tag_line and f"line {case.tag_line}:" not in done.stderr:
            found.append(f"expected the error on line {case.tag_line}")
    if case.stdout is not None and lines(done.stdout) != lines(case.stdout):
        found.append(difference(case.stdout, done.stdout))
    if case.stderr is not None and lines(done.stderr) != lines(case.stderr):
        found.append("stderr: " + difference(case.stderr, done.stderr))
    found += [f"stderr lacks {line!r}" for line in case.stderr_has if line not in done.stderr]
    if not case.tag and case.stderr is None and not case.stderr_has and done.stderr.strip():
        found.append("stderr is not empty")
    if done.returncode != case.status:
        found.append(f"exit status {done.returncode}, expected {case.status}")
    return found


def difference(expected: str, got: str) -> str:
    import difflib

    return "\n".join(
        difflib.unified_diff(lines(expected), lines(got), "expected", "got", lineterm="", n=1)
    )


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    done = run(case, tmp_path)
    found = problems(case, done)
    assert not found, "\n".join(
        [f"{case.chapter}.txt line {case.line}:", *found, "stderr:", done.stderr]
    )


def test_names_are_unique() -> None:
    assert len({case.title for case in CASES}) == len(CASES)
