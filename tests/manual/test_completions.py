"""Completion scripts, each in its own shell."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import DSCRIPT

BIN = str(Path(DSCRIPT).parent)
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}

# What is typed -> what is offered.
WORDS = [
    ("dscript -x strs", {"strsize"}),
    ("dscript --format j", {"json"}),
    ("dscript --fo", {"--folded", "--format"}),
    ("dscript -q -P sysi", {"sysinfo"}),
    ("dscript -n sysi", {"sysinfo:"}),
    ("dscript -n syscall::openat:", {"syscall::openat:entry", "syscall::openat:return"}),
]


def offered_by_bash(script: Path, typed: str) -> set[str]:
    run = f"""
    source {shlex.quote(str(script))}
    COMP_LINE={shlex.quote(typed)}; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=()
    _dscript 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", run], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    found = set(done.stdout.split())
    if ":" in typed:  # bash replaces what stands after the last colon
        head = typed.split()[-1].rpartition(":")[0]
        found = {f"{head}:{word}" for word in found}
    return found


def offered_by_fish(script: Path, typed: str) -> set[str]:
    run = f"source {shlex.quote(str(script))}; complete -C {shlex.quote(typed)}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", run],
        env={**ENVIRONMENT, "HOME": str(script.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("completions")
    found = {}
    for shell, name in (("bash", "dscript"), ("zsh", "_dscript"), ("fish", "dscript.fish")):
        text = subprocess.run(
            [DSCRIPT, "--completion", shell], capture_output=True, text=True, check=True
        ).stdout
        found[shell] = folder / name
        found[shell].write_text(text)
    return found


@pytest.mark.parametrize(("typed", "expected"), WORDS)
def test_bash(scripts: dict[str, Path], typed: str, expected: set[str]) -> None:
    assert offered_by_bash(scripts["bash"], typed) == expected


def test_bash_inside_quotes(scripts: dict[str, Path]) -> None:
    """There the whole text after the quote is replaced."""
    typed = "dscript -n 'syscall::openat2:e"
    run = f"""
    source {shlex.quote(str(scripts["bash"]))}
    COMP_LINE={shlex.quote(typed)}; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=()
    _dscript 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", run], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["syscall::openat2:entry"]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(("typed", "expected"), WORDS)
def test_fish(scripts: dict[str, Path], typed: str, expected: set[str]) -> None:
    assert offered_by_fish(scripts["fish"], typed) == expected


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh(scripts: dict[str, Path]) -> None:
    """Typed into a terminal: an interactive zsh completes each word at Tab."""
    home = scripts["zsh"].parent
    environment = {**ENVIRONMENT, "HOME": str(home), "ZDOTDIR": str(home), "TERM": "dumb"}
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        limit = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < limit, f"no {text!r} in {seen!r}"
            if select.select([fd], [], [], 0.2)[0]:
                seen += os.read(fd, 65536).decode("utf-8", "replace")
        seen = ""

    def send(text: str) -> None:
        os.write(fd, text.encode())

    try:
        send(f"fpath=({home} $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\n")
        until("ready")
        for typed, whole in (
            ("dscript -x strs", "strsize"),
            ("dscript -n sysi", "sysinfo:"),
            ("dscript -n syscall::openat2:e", "openat2:entry"),
            ("dscript --hea", "--heatmap"),
        ):
            send(f"{typed}\t")
            until(whole)
            send("\x15")  # kill the line
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)


def test_a_shell_without_a_script() -> None:
    done = subprocess.run([DSCRIPT, "--completion", "tcsh"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("dscript: --completion tcsh: not one of bash zsh fish\n")
