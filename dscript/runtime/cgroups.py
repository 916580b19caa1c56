"""The control group that tracing is limited to (option cgroup)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dscript.errors import TracingError
from dscript.runtime import bpf
from dscript.runtime.bpf import KernelError


def limit(map_fd: int, path: str) -> None:
    """Put a control group at index 0 of a BPF map of control groups.

    `path` is its folder, or its name below the root of the unified hierarchy (cgroup v2), as
    /proc/PID/cgroup has it.  TracingError where there is no such group.
    """
    folder = next((place for place in _places(path) if os.path.isdir(place)), None)
    if folder is None:
        raise TracingError(f"control group {path} does not exist", _hint())
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise TracingError(f"cannot open control group {path}: {error.strerror}") from None
    try:
        bpf.map_update(map_fd, (0).to_bytes(4, "little"), fd.to_bytes(4, "little"))
    except KernelError:
        raise TracingError(f"{folder} is no control group of cgroup v2", _hint()) from None
    finally:
        os.close(fd)


def _places(path: str) -> Iterator[str]:
    """What a path can mean, best first."""
    roots = unified_roots()
    if path.startswith("/") and any(path == root or path.startswith(f"{root}/") for root in roots):
        yield path
        return
    for root in roots:
        yield os.path.join(root, path.lstrip("/"))
    yield path


def unified_roots() -> list[str]:
    """Where cgroup v2 is mounted (proc(5), /proc/self/mounts: device, place, type)."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
            mounts = [line.split(" ") for line in file]
    except OSError:
        return []
    return [words[1] for words in mounts if words[2] == "cgroup2"]


def _hint() -> str:
    roots = unified_roots()
    return f"give a folder below {roots[0]}" if roots else "cgroup v2 is not mounted"
