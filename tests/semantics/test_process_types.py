"""psinfo_t, lwpsinfo_t and cpuinfo_t against what the system says of the same process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def run(program: str, *words: str) -> str:
    done = subprocess.run(
        [DSCRIPT, "-q", "-n", program, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_process_itself() -> None:
    """BEGIN runs in the tracer: its numbers are those it was started with."""
    members = ["pid", "ppid", "pgid", "sid", "uid", "euid", "gid", "egid", "zoneid", "projid"]
    text = " ".join("%d" for _ in members)
    values = ", ".join(f"curpsinfo->pr_{member}" for member in members)
    program = f'BEGIN {{ printf("{text}", {values}); exit(0); }}'
    child = subprocess.Popen(
        [DSCRIPT, "-qn", program], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    output, _ = child.communicate(timeout=60)
    expected = [child.pid, os.getpid(), os.getpgid(0), os.getsid(0)]
    expected += [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), 0, 0]
    assert [int(word) for word in output.split()] == expected


def test_arguments_and_name(tmp_path: Path) -> None:
    script = "import os, sys; os.getppid()"
    command = f"{sys.executable} -c '{script}' one  two"
    shown = run(
        "syscall::getppid:entry /pid == $target/ "
        '{ printf("%s\\n%s\\n", curpsinfo->pr_psargs, curpsinfo->pr_fname); exit(0); }',
        "-c",
        command,
    ).splitlines()
    assert shown[0] == f"{sys.executable} -c {script} one two"[:80]
    assert shown[1] == os.path.basename(os.path.realpath(sys.executable))[:15] or shown[1] in (
        os.path.basename(sys.executable)
    )


def test_arguments_longer_than_80_characters() -> None:
    words = "0123456789 " * 20
    shown = run(
        "syscall::exit_group:entry /pid == $target/ { trace(curpsinfo->pr_psargs); exit(0); }",
        "-c",
        f"/bin/echo {words}",
    )
    assert shown.splitlines()[-1].strip() == f"/bin/echo {words}"[:80].strip()


def test_threads_and_cpu() -> None:
    program = (
        "syscall::exit_group:entry /pid == $target/ "
        '{ printf("%d %d %d %s %c %d %d", curpsinfo->pr_nlwp, curlwpsinfo->pr_lwpid == tid, '
        "curlwpsinfo->pr_state == SONPROC, curlwpsinfo->pr_clname, curlwpsinfo->pr_sname, "
        "curlwpsinfo->pr_pri, curcpu->cpu_id == cpu); exit(0); }"
    )
    # nice 5: the kernel's priority is 120 + 5.
    assert run(program, "-c", "nice -n 5 true").split() == ["1", "1", "1", "TS", "O", "14", "1"]


def test_only_named_members_are_computed() -> None:
    """`pr_dmodel` reads the process's mm, which a program that names pr_pid does not touch."""
    done = subprocess.run(
        [DSCRIPT, "-q", "--emit", "ir", "-e", "-n", "BEGIN { trace(curpsinfo->pr_uid); }"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "task_arguments" not in done.stdout


def test_data_model_of_a_64_bit_process() -> None:
    program = (
        "syscall::exit_group:entry /pid == $target/ "
        "{ trace(curpsinfo->pr_dmodel == PR_MODEL_LP64); trace(zonename); exit(0); }"
    )
    assert run(program, "-c", "true").strip() == "1global"
