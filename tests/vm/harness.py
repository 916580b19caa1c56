"""What the checks inside the guest share: their register, and running dscript.

Emulation is slow, so the compiler is imported once and every dscript command is a fork of
this process, which then is the command.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / ".venv/bin/dscript"

# Debian packages of the kernels the checks run on: bookworm's 6.1, and its backported 6.12, the
# first with kprobe multi-links.
KERNELS = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}


@dataclass(frozen=True)
class Check:
    """One check: it gets the shared folder and raises on failure.  `kernels` run it."""

    name: str
    function: Callable[[Path], None]
    kernels: tuple[str, ...]


CHECKS: dict[str, Check] = {}


def register(name: str, function: Callable[[Path], None], kernels: tuple[str, ...]) -> None:
    assert name not in CHECKS, name
    assert set(kernels) <= set(KERNELS), kernels
    CHECKS[name] = Check(name, function, kernels)


def check(
    *kernels: str,
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Register `check_NAME` for these kernels; none given: 6.1."""

    def decorate(function: Callable[[Path], None]) -> Callable[[Path], None]:
        register(function.__name__.removeprefix("check_"), function, kernels or ("6.1",))
        return function

    return decorate


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


def dscript(*words: str, timeout: float = 120) -> Outcome:
    """Run the dscript command in a fork that already has the compiler's modules."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            Path("/proc/self/comm").write_text("dscript")
            os.dup2(out, 1)
            os.dup2(err, 2)
            from dscript.cli import main

            status = main(list(words))
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            status = 70
        os._exit(status)
    deadline = time.monotonic() + timeout
    while True:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.killpg(pid, 9)
            _, code = os.waitpid(pid, 0)
            break
        time.sleep(0.01)
    texts = []
    for fd in (out, err):
        os.lseek(fd, 0, os.SEEK_SET)
        with open(fd, encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    return Outcome(os.waitstatus_to_exitcode(code), texts[0], texts[1])


def expect(condition: bool, outcome: Outcome) -> None:
    if not condition:
        raise AssertionError(
            f"status {outcome.status}\n{outcome.stdout[-2000:]}\n{outcome.stderr[-2000:]}"
        )
