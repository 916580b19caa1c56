"""Faults while tracing: the message, the ERROR probe, the lost record, and on it goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
SHOW = 'ERROR { printf("%d %d %d %d %x;", arg1, arg2, arg3, arg4, arg5); }'


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DSCRIPT, "-qn", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("clause", "shown", "message"),
    [
        # Fault kinds are the manual's DTRACEFLT_*: 1 bad address, 4 division by zero.
        ("z = 0; trace(1 / z);", "1 2 -1 4 0;", "divide-by-zero in action #2"),
        ("z = 0; trace(1 % z);", "1 2 -1 4 0;", "divide-by-zero in action #2"),
        ("trace(*(int *)8);", "1 1 -1 1 8;", "invalid address (0x8) in action #1"),
        ("trace(stringof((char *)16));", "1 1 -1 1 10;", "invalid address (0x10) in action #1"),
        ("trace(copyinstr(4096));", "1 1 -1 1 1000;", "invalid address (0x1000) in action #1"),
        ("trace(*(char *)copyin(4096, 8));", "1 1 -1 1 1000;", "invalid address (0x1000)"),
    ],
)
def test_fault(clause: str, shown: str, message: str) -> None:
    done = run(f'BEGIN {{ {clause} trace("lost"); }} {SHOW} BEGIN {{ printf("on"); exit(0); }}')
    assert done.returncode == 0
    assert done.stdout.strip() == f"{shown}on"
    head = "dscript: error on enabled probe ID 1 (ID 1: dtrace:::BEGIN): "
    assert done.stderr.startswith(head + message)


def test_record_of_a_faulting_clause_is_lost_whole() -> None:
    done = run('BEGIN { printf("before "); trace(*(int *)8); } BEGIN { printf("on"); exit(0); }')
    assert done.stdout.strip() == "on"
    assert done.stderr.count("\n") == 1


def test_fault_in_a_predicate_fires_no_body() -> None:
    done = run('BEGIN / *(int *)8 / { printf("body"); } BEGIN { printf("on"); exit(0); }')
    assert done.stdout.strip() == "on"
    assert "invalid address (0x8)" in done.stderr


def test_fault_in_error_itself_is_not_an_endless_loop() -> None:
    done = run('BEGIN { trace(*(int *)8); exit(1); } ERROR { trace(*(int *)16); } '
               'BEGIN { printf("on"); exit(0); }')  # fmt: skip
    assert done.stdout.strip() == "on"
    assert done.returncode == 0
