"""Tracing as an ordinary user who was given CAP_BPF and CAP_PERFMON."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import losses

DSCRIPT = str(Path(sys.executable).with_name("dscript"))
NOBODY = 65534
ENOUGH = "-all,+bpf,+perfmon"
# Reads /dev/zero 17 times, a byte each.
WORK = "dd if=/dev/zero of=/dev/null bs=1 count=17 status=none"

NO_FRAME_POINTERS = "user stacks end where code has neither unwind tables nor frame pointers"
NO_NAMES = "kernel addresses stay without names"

pytestmark = pytest.mark.skipif(
    shutil.which("setpriv") is None or os.geteuid() != 0, reason="needs setpriv(1) as root"
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder in which that user may write; skips where dscript is out of the user's reach."""
    folder = Path(tempfile.mkdtemp(prefix="dscript-home-", dir="/tmp"))
    os.chown(folder, NOBODY, NOBODY)
    try:
        if dscript(folder, ENOUGH, "-V").returncode != 0:
            pytest.skip("an ordinary user cannot run dscript from where it is installed")
        yield folder
    finally:
        shutil.rmtree(folder)


def dscript(home: Path, capabilities: str, *words: str) -> subprocess.CompletedProcess[str]:
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    user += [f"--{kind}={capabilities}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return subprocess.run(
        [*user, DSCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")},
    )


@pytest.mark.parametrize(
    "program",
    [
        'BEGIN { printf("%d %s", uid, cwd); exit(0); }',
        "syscall::read:entry /pid == $target/ { @ = count(); self->t = timestamp; } "
        "syscall::read:return /self->t/ { @q = quantize(timestamp - self->t); exit(0); }",
        "sched:::on-cpu, proc:::create, rawtp:::sched_switch { @[execname] = count(); } "
        "tick-50ms { exit(0); }",
        "profile-97 { @[stack(), ustack()] = count(); } tick-50ms { exit(0); }",
        'BEGIN { printf("%s %s", fds[1].fi_pathname, cgroup_path); exit(0); }',
    ],
)
def test_what_the_two_capabilities_suffice_for(home: Path, program: str) -> None:
    done = dscript(home, ENOUGH, "-qn", program, "-c", WORK)
    assert done.returncode == 0, done.stderr
    # The first stack that ends early is told of, whatever ran then, and so are missing names.
    expected = (NO_FRAME_POINTERS, NO_NAMES)
    lines = done.stderr.splitlines()
    told = [line for line in lines if not any(text in line for text in expected)]
    losses.missed("\n".join(told))
    if program.startswith('BEGIN { printf("%d'):
        assert done.stdout.split() == [str(NOBODY), os.getcwd()]


def test_calls_of_its_own_processes_are_counted(home: Path) -> None:
    done = dscript(
        home,
        ENOUGH,
        "-qn",
        "syscall::read:entry /pid == $target && arg2 == 1/ { @ = count(); } "
        'END { printa("%@d", @); }',
        "-c",
        WORK,
    )
    assert done.stdout.strip() == "17", done.stderr


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ("-all", "CAP_PERFMON and CAP_BPF"),
        ("-all,+bpf", "CAP_PERFMON"),
        ("-all,+perfmon", "CAP_BPF"),
    ],
)
def test_what_is_missing_is_named(home: Path, held: str, missing: str) -> None:
    done = dscript(home, held, "-qn", "syscall:::entry { @ = count(); exit(0); }")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"it takes {missing}\n" in done.stderr


def test_a_further_capability_is_named(home: Path) -> None:
    """tracefs belongs to root: what only it can tell needs more, and there is another way."""
    done = dscript(home, ENOUGH, "-qn", "sdt:sched::sched_switch { exit(0); }")
    assert done.returncode == 1
    assert "CAP_SYS_ADMIN is needed" in done.stderr and "rawtp:::NAME" in done.stderr
    done = dscript(home, ENOUGH, "-qn", "syscall::read:entry { trace(args[0]); }")
    assert done.returncode == 1
    assert "tracefs cannot be read" in done.stderr and "use arg0" in done.stderr
