"""System calls made by number, as C libraries make them for the names that scripts use.

Run in an empty folder; prints nothing.  Paths begin with `work-`, so that probes know them.
"""

from __future__ import annotations

import ctypes
import os
import sys

sys.path.insert(0, sys.argv[1])

from dscript.kernel import syscalls

LIBC = ctypes.CDLL(None)
NUMBERS = syscalls.table()
AT_FDCWD = -100


def call(name: str, *arguments: object) -> int:
    words = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    return LIBC.syscall(ctypes.c_long(NUMBERS[name]), *words)


BUFFER = ctypes.create_string_buffer(512)
ADDRESS = ctypes.addressof(BUFFER)
here = call("openat", AT_FDCWD, b".", 0, 0)
call("openat", AT_FDCWD, b"work-open", 0x42, 0o600)
call("openat", here, b"work-beside", 0x42, 0o600)
call("openat", AT_FDCWD, b"work-made", 0x241, 0o640)
call("newfstatat", AT_FDCWD, b"work-stat", ADDRESS, 0)
call("statx", AT_FDCWD, b"work-statx", 0, 0xFFF, ADDRESS)
call("newfstatat", AT_FDCWD, b"work-lstat", ADDRESS, 0x100)
call("mkdirat", AT_FDCWD, b"work-mkdir", 0o700)
call("unlinkat", AT_FDCWD, b"work-mkdir", 0x200)
call("renameat2", AT_FDCWD, b"work-made", AT_FDCWD, b"work-moved", 0)
call("linkat", AT_FDCWD, b"work-moved", AT_FDCWD, b"work-linked", 0)
call("symlinkat", b"work-target", AT_FDCWD, b"work-symlink")
call("readlinkat", AT_FDCWD, b"work-symlink", ADDRESS, 512)
call("faccessat", AT_FDCWD, b"work-moved", 4)
call("fchmodat", AT_FDCWD, b"work-moved", 0o600)
call("fchownat", AT_FDCWD, b"work-moved", os.getuid(), os.getgid(), 0)
call("unlinkat", AT_FDCWD, b"work-linked", 0)
child = os.fork()
if child == 0:
    os._exit(7)
os.waitpid(child, 0)
