"""What the checks inside the guest share: their register, and running dscript.

Emulation is slow, so the compiler is imported once and every dscript command is a fork of
this process, which then is the command.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests import losses

if TYPE_CHECKING:
    from tests.vm.guest import Kernel

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / ".venv/bin/dscript"

# Debian packages of the kernels the checks run on: bookworm's 6.1, and its backported 6.12, the
# first with kprobe multi-links.
KERNELS = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}


@dataclass(frozen=True)
class Check:
    """One check: it gets the shared folder and raises on failure.  `kernels` run it.

    `prepare` is called before the guest boots, on the machine outside.
    """

    name: str
    function: Callable[[Path], None]
    kernels: tuple[str, ...]
    prepare: Callable[[Kernel, Path], None] | None = None


CHECKS: dict[str, Check] = {}


def register(
    name: str,
    function: Callable[[Path], None],
    kernels: tuple[str, ...],
    prepare: Callable[[Kernel, Path], None] | None = None,
) -> None:
    assert name not in CHECKS, name
    assert set(kernels) <= set(KERNELS), kernels
    CHECKS[name] = Check(name, function, kernels, prepare)


def check(
    *kernels: str, prepare: Callable[[Kernel, Path], None] | None = None
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Register `check_NAME` for these kernels; none given: 6.1."""

    def decorate(function: Callable[[Path], None]) -> Callable[[Path], None]:
        name = function.__name__.removeprefix("check_")
        register(name, function, kernels or ("6.1",), prepare)
        return function

    return decorate


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


def forget_the_kernel() -> None:
    """What this process has read of the kernel may be of before a module was loaded."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("dscript.kernel", "dscript.providers")):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def dscript(*words: str, timeout: float = 120) -> Outcome:
    """Run the dscript command in a fork that already has the compiler's modules."""

    def command() -> int:
        from dscript.cli import main

        forget_the_kernel()
        return main(list(words))

    return forked(command, timeout)


def complete(*words: str, timeout: float = 120) -> Outcome:
    """A run that ends well, tells nothing and missed no nested firing; else it is done again."""

    def run() -> tuple[Outcome, str]:
        outcome = dscript(*words, timeout=timeout)
        expect(outcome.status == 0, outcome)
        return outcome, outcome.stderr

    return losses.complete(run)


def forked(command: Callable[[], int], timeout: float = 120) -> Outcome:
    """Run a function, which gives an exit status, in a fork named as the command is."""
    out, err = os.memfd_create("out"), os.memfd_create("err")
    for fd in (out, err):
        # Of such a file the kernel does not lock the position: what two processes write at the
        # same time would overlap.
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            Path("/proc/self/comm").write_text("dscript")
            os.dup2(out, 1)
            os.dup2(err, 2)
            status = command()
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
