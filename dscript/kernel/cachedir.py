"""The user's cache directory, and reading and writing in it so that only the user can.

Everything kept there (saved parsers, compiled programs, BTF indexes, feature tests) can be
made again, so every failure here means "no cache", never an error.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path


def cache_dir() -> Path | None:
    """The directory as `path` gives it."""
    found = path()
    if found is None:
        return None
    from pathlib import Path  # 7 ms that a run from the cache can do without

    return Path(found)


def path() -> str | None:
    """`$XDG_CACHE_HOME/dscript` or `~/.cache/dscript`, created with mode 0700.

    None when it cannot be created, belongs to someone else, is no directory or can be
    written by group or others: what is read from there is trusted.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".cache")
    found = os.path.join(base, "dscript")
    try:
        info = os.lstat(found)
    except FileNotFoundError:
        try:
            os.makedirs(base, mode=0o700, exist_ok=True)
            os.mkdir(found, 0o700)
            info = os.lstat(found)
        except FileExistsError:  # another dscript was faster
            return path() if os.path.isdir(found) else None
        except OSError:
            return None
    except OSError:
        return None
    return found if stat.S_ISDIR(info.st_mode) and _trusted(info) else None


def open_file(name: str) -> BinaryIO | None:
    """A cache file open for reading, None when it is not there or not to be trusted."""
    directory = path()
    if directory is None:
        return None
    try:
        fd = os.open(os.path.join(directory, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode) and _trusted(info):
        return open(fd, "rb")
    os.close(fd)
    return None


def read(name: str) -> bytes | None:
    """The content of a cache file, None when it is not there or not to be trusted."""
    file = open_file(name)
    if file is None:
        return None
    with file:
        try:
            return file.read()
        except OSError:
            return None


def write(name: str, data: bytes) -> bool:
    """Store a cache file with mode 0600; readers see the old or the new content, never a part."""
    directory = path()
    if directory is None:
        return False
    temporary = os.path.join(directory, f".{name}.{os.getpid()}")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.replace(temporary, os.path.join(directory, name))
    except OSError:
        _remove(temporary)
        return False
    return True


def _trusted(info: os.stat_result) -> bool:
    """Owned by the effective user and writable by nobody else."""
    return info.st_uid == os.geteuid() and not info.st_mode & 0o022


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except OSError:
        return
