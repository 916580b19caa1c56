"""Kernel file systems that are not mounted: opened privately, read-only, for this process.

A detached mount (fsopen(2), fsconfig(2), fsmount(2); Linux 5.2) has no place in the file
tree and goes away with its descriptor, so the machine's mounts stay as they are.
"""

from __future__ import annotations

import os
from functools import lru_cache

# System call numbers, the same on every architecture, and flags (linux/mount.h).
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_CLOEXEC, _CMD_CREATE = 1, 6
_FLAGS = 1 | 2 | 4 | 8  # RDONLY, NOSUID, NODEV, NOEXEC


@lru_cache(maxsize=8)
def private_mount(kind: str) -> str | None:
    """A path under which a file system of this kind can be read; None without CAP_SYS_ADMIN."""
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    context = call(_FSOPEN, ctypes.c_char_p(kind.encode()), _CLOEXEC)
    if context < 0:
        return None
    try:
        if call(_FSCONFIG, context, _CMD_CREATE, None, None, 0) < 0:
            return None
        mounted = call(_FSMOUNT, context, _CLOEXEC, _FLAGS)
    finally:
        os.close(context)
    return f"/proc/self/fd/{mounted}" if mounted >= 0 else None
