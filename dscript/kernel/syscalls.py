"""System call numbers and names of this machine's architecture, from tables in the package.

The names are the kernel's own (`asm/unistd.h`), not those of tracepoints, which differ
(`newstat` for `stat`).  64-bit system calls only: 32-bit programs have other numbers.
"""

from __future__ import annotations

import os
from functools import lru_cache

from dscript.errors import TracingError

_DATA = os.path.dirname(__file__)
_SAME = {"amd64": "x86_64", "arm64": "aarch64"}


@lru_cache(maxsize=4)
def table(machine: str | None = None) -> dict[str, int]:
    """Name -> number, in order of numbers.

    `machine` is as `uname -m` says, by default this machine's.  Raises TracingError for an
    architecture without a table.
    """
    machine = machine or os.uname().machine
    machine = _SAME.get(machine, machine)
    try:
        with open(os.path.join(_DATA, f"syscalls-{machine}.txt"), encoding="ascii") as file:
            lines = [line.split() for line in file if not line.startswith("#")]
    except FileNotFoundError:
        raise TracingError(
            f"no system call table for architecture {machine}",
            "system calls can be probed on x86_64 and aarch64",
        ) from None
    return {name: int(number) for number, name in lines}


@lru_cache(maxsize=4)
def names(machine: str | None = None) -> dict[int, str]:
    """Number -> name."""
    return {number: name for name, number in table(machine).items()}
