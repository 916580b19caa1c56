"""Running D programs through the command, many calls a run."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tests import command


def dscript(*words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Text is Latin-1, so that every byte of a D string is one character."""
    done = command.dscript(*words, timeout=timeout)
    out, err = done.stdout.decode("latin-1"), done.stderr.decode("latin-1")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def output(program: str, *words: str) -> str:
    """What a program that must succeed prints with -q."""
    done = dscript("-q", *words, "-n", program)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def literal(text: str) -> str:
    """A D string literal."""
    return '"' + "".join(_character(c) for c in text) + '"'


def _character(c: str) -> str:
    if c in '"\\' or not 32 <= ord(c) < 127:
        return f"\\{ord(c):03o}"
    return c


def values(calls: Sequence[str], *words: str, setup: str = "") -> list[str]:
    """The values of D expressions, written "s:expr", "d:expr" or "x:expr" by their conversion."""
    statements = [setup]
    for call in calls:
        conversion, _, expression = call.partition(":")
        form = {"s": "%s", "d": "%d", "x": "%x"}[conversion]
        statements.append(f'printf("<{form}>\\n", {expression});')
    text = output("BEGIN { " + "\n".join(statements) + "\nexit(0); }", *words)
    found = [line[1:-1] for line in text.split("\n") if line.startswith("<")]
    assert len(found) == len(calls), text
    return found
