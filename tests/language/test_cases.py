"""The language cases, each run through the command on this kernel."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.command import dscript
from tests.language.casefile import Case, read_cases

CASES = read_cases()

# What a program sees of how the command was started.
STARTED = re.compile(r"psargs|ppid|progenyof|/dev/std|cmdline|\bsystem\b|#!")
# One in so many of the other cases starts the installed command too.
INSTALLED = 20


def lines(text: str) -> list[str]:
    """Text without blanks at line ends and without empty lines around it."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def installed(case: Case) -> bool:
    """Whether the case starts the installed command itself."""
    return STARTED.search(case.program) is not None or case.line % INSTALLED == 0


def run(case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "case.d"
    script.write_text(case.program)
    words = ["-q", "-x", "errtags", *case.options, "-s", str(script), *case.arguments]
    done = dscript(*words, installed=installed(case))
    out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


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
