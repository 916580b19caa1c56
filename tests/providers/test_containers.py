"""Control groups and PID namespaces, against what the system says of the workload."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dscript.runtime.cgroups import unified_roots
from tests.providers.derived_support import DSCRIPT

# Joins a control group, if one is given, and calls getppid() a few times.
WORK = """
import os, sys
count, group = int(sys.argv[1]), sys.argv[2]
if group != "-":
    open(group + "/cgroup.procs", "w").write(str(os.getpid()))
for _ in range(count): os.getppid()
"""


@pytest.fixture
def groups() -> Iterator[tuple[Path, Path, Path]]:
    """A control group, one below it and one beside it."""
    roots = unified_roots()
    if not roots:
        pytest.skip("cgroup v2 is not mounted")
    outer = Path(roots[0]) / f"dscript-{uuid.uuid4().hex[:8]}"
    other = outer.with_name(outer.name + "-other")
    made = [outer, outer / "inner", other]
    try:
        for folder in made:
            folder.mkdir()
    except OSError as error:
        pytest.skip(f"control groups cannot be made: {error.strerror}")
    try:
        yield made[0], made[1], made[2]
    finally:
        for folder in reversed(made):
            if folder.exists():
                folder.rmdir()


def trace(tmp_path: Path, program: str, work: list[tuple[int, Path | None]], *words: str) -> str:
    """Output of a program while processes of those groups call getppid() so many times."""
    (tmp_path / "work.py").write_text(WORK)
    lines = [f"{sys.executable} {tmp_path}/work.py {count} {group or '-'}" for count, group in work]
    (tmp_path / "all.sh").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [DSCRIPT, "-q", "-n", program, "-c", f"sh {tmp_path}/all.sh", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_number_and_path(tmp_path: Path, groups: tuple[Path, Path, Path]) -> None:
    outer, inner, _other = groups
    output = trace(
        tmp_path,
        "syscall::getppid:entry /progenyof($target)/ { @[cgroup, cgroup_path] = count(); } "
        'END { printa("%d %s %@d\\n", @); }',
        [(5, inner), (3, outer)],
    )
    root = Path(unified_roots()[0])
    expected = {
        f"{group.stat().st_ino} /{group.relative_to(root)} {count}"
        for group, count in ((inner, 5), (outer, 3))
    }
    assert expected <= set(output.splitlines())


@pytest.mark.parametrize("form", ["folder", "name"])
def test_only_tasks_of_a_group_and_below(
    tmp_path: Path, groups: tuple[Path, Path, Path], form: str
) -> None:
    outer, inner, other = groups
    path = str(outer) if form == "folder" else f"/{outer.name}"
    output = trace(
        tmp_path,
        'syscall::getppid:entry { @ = count(); } tick-10ms { @t["ticks"] = count(); } '
        'END { printa("calls %@d\\n", @); printa("%s %@d\\n", @t); }',
        [(7, inner), (3, outer), (11, other), (13, None)],
        "-x",
        f"cgroup={path}",
    )
    lines = output.split("\n")
    assert "calls 10" in lines
    assert [line for line in lines if line.startswith("ticks")], "ticks belong to no task"


@pytest.mark.parametrize(
    ("path", "message"),
    [("/no/such/group", "does not exist"), ("/proc", "is no control group of cgroup v2")],
)
def test_what_is_no_group(path: str, message: str) -> None:
    words = [DSCRIPT, "-qn", "syscall:::entry { @ = count(); }", "-x", f"cgroup={path}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and message in done.stderr


def test_a_thread_that_is_not_running_yet_is_refused() -> None:
    words = [DSCRIPT, "-qn", "sched:::on-cpu { @ = count(); }", "-x", "cgroup=/"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "cannot be limited to a control group" in done.stderr


def in_namespace(*words: str) -> subprocess.Popen[str]:
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", DSCRIPT, "-q", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs unshare(1) as root"
)
@pytest.mark.parametrize("numbers", ["tracer", "init"])
def test_numbers_of_the_tracers_namespace_or_the_initial_one(numbers: str) -> None:
    program = 'BEGIN { printf("%d %d %d\\n", pid, tid, curpsinfo->pr_pid); } tick-60s { exit(0); }'
    child = in_namespace("-x", f"pidns={numbers}", "-n", program)
    try:
        assert child.stdout is not None
        shown = child.stdout.readline().split()
        assert len(shown) == 3 and len(set(shown)) == 1
        # The tracer is the child of unshare(1); NSpid has its number in each namespace.
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
        outer, inner = line.split()[1:]
        assert shown[0] == (outer if numbers == "init" else inner)
    finally:
        child.kill()
        child.communicate()


@pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs unshare(1) as root"
)
def test_macros_of_another_namespace_are_refused() -> None:
    child = in_namespace("-x", "pidns=init", "-n", "syscall:::entry /pid == $pid/ { exit(0); }")
    _, stderr = child.communicate(timeout=60)
    assert "$pid is a number of the tracer's PID namespace" in stderr
