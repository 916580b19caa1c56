"""Running D programs on a workload that tells what it did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import losses

DSCRIPT = str(Path(sys.executable).with_name("dscript"))


def traced(folder: Path, program: str, workload: str) -> tuple[list[list[str]], list[list[str]]]:
    """The words of each line that the program printed, and of each that the workload wrote.

    The workload is Python text, run as a process of its own; `say(…)` writes a line.  It may
    run again: a run that missed firings has not seen all of it.
    """
    script, told = folder / "work.py", folder / "told"
    head = (
        "import os, signal, subprocess, threading, time\n"
        f"told = open({str(told)!r}, 'a', buffering=1)\n"
        "def say(*words): print(*words, file=told)\n"
    )
    script.write_text(head + workload)

    def run() -> tuple[str, str]:
        told.unlink(missing_ok=True)
        return outcome("-q", "-n", program, "-c", f"{sys.executable} {script}")

    seen = losses.complete(run)
    return _words(seen), _words(told.read_text() if told.exists() else "")


def outcome(*words: str) -> tuple[str, str]:
    """Standard output and errors of a run that ends well."""
    done = subprocess.run(
        [DSCRIPT, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "DSCRIPT_CACHE": "0"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def refused(program: str) -> str:
    """The message for a program that must not compile."""
    done = subprocess.run(
        [DSCRIPT, "-x", "errtags", "-e", "-n", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr
