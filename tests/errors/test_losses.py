"""What is lost is counted: events shown and drops reported add up to the events there were."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
CALLS = 20000
# perl's getppid() is the system call, every time.
WORK = f"perl -e 'for (my $i = 0; $i < {CALLS}; $i++) {{ getppid() }}'"
PROBE = "syscall::getppid:entry /pid == $target/"


def traced(program: str, *options: str) -> tuple[str, str]:
    """Standard output and standard error of tracing CALLS calls."""
    done = subprocess.run(
        [DSCRIPT, "-q", *options, "-n", program, "-c", WORK],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def dropped(errors: str, kind: str) -> int:
    """Sum of the drop messages of a kind ("": records)."""
    form = re.compile(rf"^dscript: (\d+) {kind}drops?( on CPU \d+)?$", re.MULTILINE)
    return sum(int(found[1]) for found in form.finditer(errors))


def test_records() -> None:
    output, errors = traced(f'{PROBE} {{ printf("x\\n"); }}', "-b", "4k")
    shown = output.count("x")
    lost = dropped(errors, "")
    assert lost > 0
    assert shown + lost == CALLS


def test_aggregations() -> None:
    program = f"{PROBE} {{ @keys[n++] = count(); @all = count(); }} END {{ printa(@all); }}"
    output, errors = traced(program, "-x", "aggsize=4k", "-x", "aggrate=100s")
    total, *_ = map(int, re.findall(r"^ +(\d+)$", output, re.MULTILINE))
    kept = len(re.findall(r"^ +\d+ +1$", output, re.MULTILINE))
    lost = dropped(errors, "aggregation ")
    assert total == CALLS
    assert lost > 0
    assert kept + lost == CALLS


def test_dynamic_variables() -> None:
    program = f"{PROBE} {{ a[n++] = 1; }} {PROBE[:-1]} && a[n - 1]/ {{ @kept = count(); }}"
    output, errors = traced(program, "-x", "dynvarsize=4k")
    (kept,) = re.findall(r"^ +(\d+)$", output, re.MULTILINE)
    lost = dropped(errors, "dynamic variable ")
    assert lost > 0
    assert int(kept) + lost == CALLS


@pytest.mark.parametrize("option", ["4m", "64m"])
def test_a_buffer_of_the_right_size_loses_nothing(option: str) -> None:
    output, errors = traced(f'{PROBE} {{ printf("x\\n"); }}', "-b", option)
    assert output.count("x") == CALLS
    assert dropped(errors, "") == 0
