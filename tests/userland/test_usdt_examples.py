"""examples/usdt: programs with probes of their own, built as their Makefile says, and traced."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.userland.support import DSCRIPT, dscript

_EXAMPLES = Path(__file__).parents[2] / "examples/usdt"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usdt") / "usdt"
    shutil.copytree(_EXAMPLES, folder)
    subprocess.run(["make", "-s", f"DSCRIPT={DSCRIPT}"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("program", ["jobs-c", "jobs-cc", "jobs-linked"])
def test_jobs_are_those_the_program_tells_of(built: Path, program: str) -> None:
    done = dscript("-s", built / "jobtimes.d", "-c", f"{built / program} 9")
    rows = [line.split() for line in done.stdout.splitlines()]
    told = {row[1].rstrip(":"): row[2] for row in rows if row and row[0] == "job"}
    traced = {row[0]: row[2] for row in rows if len(row) == 4 and row[0].isdigit()}
    assert len(told) == 9 and traced == told
    names = {row[0]: row[1] for row in rows if len(row) == 4 and row[0].isdigit()}
    second = "sum" if program == "jobs-cc" else "product"
    assert names == {str(n): f"{second if n % 2 else 'sum'}-{n}" for n in range(9)}
    assert all(int(row[3]) >= 0 for row in rows if len(row) == 4 and row[0].isdigit())


def test_every_job_is_started_and_done(built: Path) -> None:
    clause = "jobs$target:::job-* { @[probename, probefunc] = count(); }"
    done = dscript("-n", clause, "-c", f"{built / 'jobs-c'} 5")
    counts = [row.split() for row in done.stdout.splitlines() if "job-" in row]
    assert sorted(counts) == [["job-done", "main", "5"], ["job-start", "main", "5"]]


def _instructions(program: Path) -> list[str]:
    """The operations of main(), without the padding behind it."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "--disassemble=main", program],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return re.findall(r"^\s+[0-9a-f]+:\s+(\S+)", text, re.MULTILINE)


def test_a_probe_that_nobody_asked_for_is_one_nop(built: Path) -> None:
    """job-done stands in the way of the program: with the probes it is longer by one nop."""
    source = built / "plain.c"
    text = (built / "jobs.c").read_text()
    start = text.index("        if (JOBS_JOB_START_ENABLED())")
    end = text.index("        long result")
    source.write_text(text[:start] + text[end:])
    for name, flags in (("with", []), ("without", ["-DDSCRIPT_NO_PROBES"])):
        subprocess.run(["gcc", "-O2", *flags, "-o", built / name, source], check=True)
    traced, plain = (Counter(_instructions(built / name)) for name in ("with", "without"))
    # The compiler may order them otherwise; `nopw` and the like are padding.
    assert plain["nop"] == 0 and sum(plain.values()) > 20
    assert {op: n for op, n in (traced - plain).items() if op[:4] not in ("nopw", "nopl")} == {
        "nop": 1
    }


def test_programs_without_probes_run_alike(built: Path) -> None:
    outputs = {
        subprocess.run([built / name, "4"], capture_output=True, text=True, check=True).stdout
        for name in ("jobs-c", "jobs-linked", "jobs-without")
    }
    assert len(outputs) == 1
    notes = subprocess.run(
        ["readelf", "-n", built / "jobs-without"], capture_output=True, text=True, check=True
    ).stdout
    assert "stapsdt" not in notes
