"""However a run ends, nothing stays in the kernel and everything recorded is shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
BPFTOOL = shutil.which("bpftool") or "/usr/sbin/bpftool"
PROGRAM = (
    "syscall::getppid:entry /pid == $target/ { @[execname] = count(); self->t = timestamp; } "
    'profile-97 { @p = count(); } END { printf("end\\n"); }'
)


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    """dscript that traces a process of its own, once its probes are on."""
    command = "sh -c 'echo ready; exec sleep 30 >/dev/null 2>&1'"
    with subprocess.Popen(
        [DSCRIPT, "-qn", PROGRAM, "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        if process.poll() is None:
            process.kill()


def objects(kind: str, pid: int) -> set[int]:
    """IDs of the BPF programs, maps or links that a process holds (proc(5), fdinfo)."""
    texts = [path.read_text() for path in Path(f"/proc/{pid}/fdinfo").iterdir()]
    lines = [line.split() for text in texts for line in text.splitlines()]
    return {int(words[1]) for words in lines if words and words[0] == f"{kind}_id:"}


def existing(kind: str) -> set[int]:
    text = subprocess.run([BPFTOOL, "-j", kind, "show"], capture_output=True, check=True).stdout
    return {entry["id"] for entry in json.loads(text)}


def gone(kind: str, ids: set[int], seconds: float = 20) -> bool:
    """Whether the objects are gone, at last: the kernel frees them some time later."""
    deadline = time.monotonic() + seconds
    while ids & existing(kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_behind(running: subprocess.Popen[str], number: signal.Signals) -> None:
    held = {kind: objects(kind, running.pid) for kind in ("prog", "map", "link")}
    assert held["prog"] <= existing("prog") and held["map"] <= existing("map")
    assert held["prog"] and held["map"] and held["link"]
    running.send_signal(number)
    output, errors = running.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert running.returncode == -signal.SIGKILL
    else:
        assert running.returncode == 0, errors
        assert "end\n" in output
    for kind, ids in held.items():
        assert gone(kind, ids), f"{kind} left behind"


def test_impatient_second_interrupt_is_no_traceback(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert "Traceback" not in errors


def test_killed_target_ends_the_run(running: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    (target,) = map(int, children)
    os.kill(target, signal.SIGKILL)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "end\n" in output
    assert errors == ""


def test_reader_that_leaves(tmp_path: Path) -> None:
    """`dscript … | head -1` ends by itself and says nothing."""
    program = 'tick-1ms { printf("%d\\n", i++); }'
    errors = tmp_path / "errors"
    done = subprocess.run(
        ["bash", "-c", f"{DSCRIPT} -qn '{program}' 2>{errors} | head -1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "0\n0\n"
    assert errors.read_text() == ""
