"""Freeing thread-local array elements of threads that are gone.

`self->x` lives in task storage, which the kernel frees with the thread; `self->x[…]` lives
in a hash map whose key begins with the thread (`DynamicVariable.thread_key`).  A key also
holds the thread's start time, so an element of a dead thread is never seen by a later
thread of the same number, and removing it late is harmless.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from dscript.runtime import bpf
from dscript.runtime.libbpf import Map
from dscript.runtime.loadwords import in_initial_pid_namespace


class ThreadCleaner:
    """Sweeps maps keyed by thread; idle outside the initial PID namespace.

    Keys hold thread numbers of the initial namespace, and /proc shows the tracer's own.
    """

    def __init__(self, maps: Sequence[Map]) -> None:
        self._maps = tuple(maps) if maps and in_initial_pid_namespace() else ()

    def __bool__(self) -> bool:
        return bool(self._maps)

    def sweep(self) -> int:
        """Remove the elements of threads without a /proc entry; returns how many."""
        return sum(_sweep(one) for one in self._maps)


def _sweep(one: Map) -> int:
    alive: dict[int, bool] = {}
    removed = 0
    key = bpf.map_next_key(one.fd, None, one.key_size)
    while key is not None:
        following = bpf.map_next_key(one.fd, key, one.key_size)
        (tid,) = struct.unpack_from("<I", key)
        if tid not in alive:
            alive[tid] = tid == 0 or os.path.exists(f"/proc/{tid}")
        if not alive[tid]:
            removed += bpf.map_delete(one.fd, key)
        key = following
    return removed
