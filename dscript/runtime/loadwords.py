"""Values of the load-time words: what only the run knows and programs read as constants."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from dscript.errors import TracingError
from dscript.program import LoadWord
from dscript.runtime.bpf import possible_cpus

# PROC_PID_INIT_INO of the kernel's linux/proc_ns.h: inode of the initial PID namespace.
INITIAL_PID_NAMESPACE: Final = 0xEFFFFFFC


def _pid_namespace() -> tuple[int, int]:
    """Device and inode as bpf_get_ns_current_pid_tgid wants them; zeros for the initial one.

    The helper compares the kernel's own dev_t, which is major << 20 | minor
    (linux/kdev_t.h), not the encoding stat(2) gives.
    """
    status = os.stat("/proc/self/ns/pid")
    if status.st_ino == INITIAL_PID_NAMESPACE:
        return 0, 0
    return os.major(status.st_dev) << 20 | os.minor(status.st_dev), status.st_ino


def in_initial_pid_namespace() -> bool:
    return _pid_namespace() == (0, 0)


def require_host_numbers(names: tuple[LoadWord, ...]) -> None:
    """Under pidns=init, numbers of this namespace would be compared with those of another."""
    named = [name for name in names if name in ("target", "pid", "ppid", "pgid", "sid")]
    if named and not in_initial_pid_namespace():
        raise TracingError(
            f"${named[0]} is a number of the tracer's PID namespace, and with -x pidns=init pid "
            "and tid are numbers of the initial one",
            "leave out -x pidns=init, or the macro variable",
        )


def _tai_offset() -> int:
    """CLOCK_TAI - CLOCK_REALTIME in ns: whole seconds (0 where the machine does not know)."""
    tai = time.clock_gettime_ns(time.CLOCK_TAI)
    difference = tai - time.clock_gettime_ns(time.CLOCK_REALTIME)
    return round(difference / 1_000_000_000) * 1_000_000_000


_VALUES: Final[dict[LoadWord, Callable[[], int]]] = {
    "pid": os.getpid,
    "ppid": os.getppid,
    "pgid": os.getpgrp,
    "sid": lambda: os.getsid(0),
    "uid": os.getuid,
    "euid": os.geteuid,
    "gid": os.getgid,
    "egid": os.getegid,
    "pidns_dev": lambda: _pid_namespace()[0],
    "pidns_ino": lambda: _pid_namespace()[1],
    "tai_offset_ns": _tai_offset,
    "cpu_count": possible_cpus,
}


def load_words(names: tuple[LoadWord, ...], target: int) -> tuple[int, ...]:
    """The value of each word in order; `target` is $target, 0 without one."""
    return tuple(target if name == "target" else _VALUES[name]() for name in names)
