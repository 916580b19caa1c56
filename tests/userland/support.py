"""Programs compiled for the tests, and dscript run on them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import command
from tests.command import DSCRIPT

__all__ = ["DSCRIPT", "build", "dscript", "error", "lines"]


def build(folder: Path, name: str, source: str, *flags: str, compiler: str = "gcc") -> Path:
    """Compile a program; its path."""
    suffix = {"gcc": ".c", "g++": ".cc"}[compiler]
    text = folder / f"{name}{suffix}"
    text.write_text(source)
    out = folder / name
    subprocess.run([compiler, "-o", out, text, *flags], check=True)
    return out


def dscript(
    *words: str | Path, timeout: float = 60, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command with -q; it must end with this status."""
    ran = command.dscript("-q", *map(str, words), timeout=timeout)
    done = subprocess.CompletedProcess(
        ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode()
    )
    assert done.returncode == status, done.stderr
    return done


def error(*words: str | Path) -> str:
    """What a command that must fail says."""
    done = dscript(*words, status=1)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
    return done.stderr


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]
