"""Everything dscript prints, to the character: programs against text as the manual has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.output_e2e.runner import Case, read_cases, run

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    done = run(case.words, case.program, tmp_path)
    script = str(tmp_path / "case.d")
    expected = {
        "stdout": case.stdout,
        "stderr": case.stderr.replace("{script}", script),
        "status": case.status,
        **case.files,
    }
    got = {
        "stdout": done.stdout,
        "stderr": re.sub(r"\bpid \d+", "pid PID", done.stderr),
        "status": done.returncode,
        **{name: (tmp_path / name).read_text() for name in case.files},
    }
    assert got == expected, f"{case.chapter}.txt line {case.line}"


def test_names_are_unique() -> None:
    assert len({case.title for case in CASES}) == len(CASES) > 0
