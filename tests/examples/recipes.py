"""Running the recipes of examples/ on a workload that is known.

    found = recipe("opensnoop", "$target", python="open('/etc/hosts').read()", folder=tmp_path)
    assert found.rows(COMM="python3", PATH="/etc/hosts")

The workload is the command of `-c`, so that a recipe ends with it; `interrupted` ends one by
Ctrl-C instead, as soon as it has printed what is waited for.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests import command

EXAMPLES = command.ROOT / "examples"
RECIPES = sorted(EXAMPLES.glob("*.d"))

# Losses that the machine's other load can cause, and nothing else, may be on stderr.
_LOAD = re.compile(r"dscript: \d+ nested probe firing(s|\(s\))? missed.*")

# The name of a column, as COUNT, %BUSY or TIME(us).
_COLUMN = re.compile(r"[A-Z%][A-Z0-9_/%()*-]*(\([a-z]+\))?")

_CLOCK = re.compile(r"^\d{4} [A-Z][a-z]{2} +\d+ (?=\d\d:\d\d:\d\d)")  # %Y, its date

_WORKLOAD_HEAD = """\
import os, signal, socket, subprocess, sys, threading, time
_told = os.open({told!r}, os.O_WRONLY | os.O_APPEND)
def say(*words): os.write(_told, (" ".join(map(str, words)) + "\\n").encode())
"""


@dataclass(frozen=True)
class Output:
    """What a recipe printed, and what its workload said of itself."""

    stdout: str
    stderr: str
    told: list[list[str]]  # the words of each say() of a Python workload

    @property
    def lines(self) -> list[str]:
        return [line for line in self.stdout.splitlines() if line.strip()]

    @property
    def words(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.lines]

    def rows(self, **wanted: object) -> list[dict[str, str]]:
        """The lines under a heading, by its columns, as far as they have the values wanted.

        A heading is a line that begins with two words or more in capitals; each ends the table
        before it.  The last column takes the rest of its line; a date and time is its time alone.
        """
        return _rows(self.lines, {name: str(value) for name, value in wanted.items()})

    def row(self, **wanted: object) -> dict[str, str]:
        """The only line with these values."""
        found = self.rows(**wanted)
        assert len(found) == 1, (wanted, found, self.stdout, self.stderr)
        return found[0]


def _rows(lines: Sequence[str], wanted: dict[str, str]) -> list[dict[str, str]]:
    found, columns = [], list[str]()
    for line in (_CLOCK.sub("", line) for line in lines):
        words = line.split()
        if _is_heading(words):
            columns = words
        elif columns:
            values = line.split(None, len(columns) - 1)
            row = dict(zip(columns, (value.strip() for value in values), strict=False))
            if all(row.get(name) == value for name, value in wanted.items()):
                found.append(row)
    return found


def _is_heading(words: Sequence[str]) -> bool:
    return len(words) > 1 and all(_COLUMN.fullmatch(word) for word in words)


def recipe(
    name: str,
    *arguments: object,
    python: str | None = None,
    sh: str | None = None,
    command_line: str | None = None,
    folder: Path | None = None,
    timeout: float = 60,
    options: Sequence[str] = (),
    stderr: str = "",
) -> Output:
    """Run examples/`name`.d until its workload has ended; `arguments` are those of the recipe.

    The workload is Python text (which has the usual modules and `say(…)`), text for sh, or a
    command line.  Its folder is `folder`.  What the recipe writes to stderr must be all of the
    pattern `stderr`; by default that is nothing.  Raises AssertionError, TimeoutExpired.
    """
    with tempfile.TemporaryDirectory() as private:
        words = [*options, "-s", str(EXAMPLES / f"{name}.d"), *map(str, arguments)]
        words += ["-c", command_line or _workload(Path(private), python, sh)]
        done = command.dscript(*words, folder=folder or private, timeout=timeout)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.returncode == 0, err + out
        _check_stderr(err, stderr)
        return Output(out, err, _told(Path(private)))


def lossless(name: str, *arguments: object, **how: Any) -> Output:
    """`recipe`, run again until nothing was missed: for counts that must be exact."""
    lost = []
    for _ in range(4):
        found = recipe(name, *arguments, **how)
        if not _LOAD.search(found.stderr):
            return found
        lost.append(found.stderr)
    raise AssertionError(f"firings missed in every run: {lost}")


def _workload(private: Path, python: str | None, sh: str | None) -> str:
    """The command that runs the text."""
    if python is not None:
        script, told = private / "work.py", private / "told"
        told.touch()
        script.write_text(_WORKLOAD_HEAD.format(told=str(told)) + python)
        return f"{sys.executable} -I -S {script}"
    script = private / "work.sh"
    script.write_text(sh or "")
    return f"sh {script}"


def _told(private: Path) -> list[list[str]]:
    told = private / "told"
    return [line.split() for line in told.read_text().splitlines()] if told.exists() else []


def _check_stderr(text: str, allowed: str) -> None:
    rest = "\n".join(line for line in text.splitlines() if not _LOAD.fullmatch(line))
    assert re.fullmatch(allowed, rest, re.DOTALL), text


def interrupted(
    name: str, *arguments: object, until: str, timeout: float = 30, options: Sequence[str] = ()
) -> Output:
    """Run a recipe as its own command, on the whole machine; Ctrl-C once it printed `until`.

    Raises AssertionError when the time is over before.
    """
    path = os.pathsep.join([str(Path(command.DSCRIPT).parent), os.environ["PATH"]])
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(
            [EXAMPLES / f"{name}.d", *map(str, arguments), *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, "DSCRIPT_CACHE": "0", "PATH": path},
        ) as tracer,
    ):
        deadline = time.monotonic() + timeout
        while not re.search(until, _so_far(out)) and tracer.poll() is None:
            if time.monotonic() > deadline:
                tracer.kill()
                raise AssertionError(f"no {until!r} in {_so_far(out)!r}")
            time.sleep(0.05)
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
        _, err = tracer.communicate(timeout=timeout)
        assert tracer.returncode == 0, err
        _check_stderr(err.decode(), "")
        return Output(_so_far(out), err.decode(), [])


def _so_far(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")
