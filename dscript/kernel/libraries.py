"""Libraries that a process may still load: where its dynamic linker looks (ld.so(8)).

The order is the linker's: DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, its cache, the standard
folders.  After those come the program's own folder and its working folder, from where
programs load plug-ins by their path.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache

from dscript.kernel import elf, processes

_STANDARD = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
# Files that one name may stand for; more are no choice of libraries but a listing.
_MOST = 64

# sysdeps/generic/dl-cache.h of glibc: struct cache_file_new, struct file_entry_new.
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_CACHE_HEADER, _CACHE_ENTRY = 48, struct.Struct("<iIIIQ")


def names_of(file_name: str) -> tuple[str, ...]:
    """What a library may be called: `libz`, `libz.so`, `libz.so.1` … of `libz.so.1.2.13`."""
    base, dot, version = file_name.partition(".so")
    if not dot:
        return (base,)
    parts = version.split(".")  # "" and the numbers
    return (base, *(f"{base}.so{'.'.join(parts[:n])}" for n in range(1, len(parts) + 1)))


def find(wanted: Callable[[str], bool], pid: int = 0, *, several: bool = False) -> list[str]:
    """Paths, as seen from here, of libraries whose file name is wanted; best first.

    Of process `pid`, as far as it can be looked at, or of any.  Just the first unless
    `several` are asked for; one file is named once.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for path in _candidates(wanted, pid):
        try:
            stat = os.stat(path)
        except OSError:
            continue
        if (stat.st_dev, stat.st_ino) in seen or not _is_library(path):
            continue  # libc.so is a linker's script, and others are for 32-bit programs
        seen.add((stat.st_dev, stat.st_ino))
        found.append(path)
        if not several or len(found) == _MOST:
            break
    return found


def _candidates(wanted: Callable[[str], bool], pid: int) -> Iterator[str]:
    root = "" if not pid or processes.shares_files(pid) else f"/proc/{pid}/root"
    before, after = _folders_of(pid) if pid else ((), ())
    for folder in before:
        yield from _inside(root + folder, wanted)
    for path in _cached(root + "/etc/ld.so.cache"):
        if wanted(os.path.basename(path)):
            yield root + path
    machine = os.uname().machine
    local = (f"{base}/{machine}-linux-gnu" for base in ("/lib", "/usr/lib", "/usr/local/lib"))
    for folder in (*local, *_STANDARD, *after):
        yield from _inside(root + folder, wanted)


def _inside(folder: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    # `libz.so.1` before `libz.so.1.2.13`, which mostly are the same.
    for name in sorted(names, key=lambda name: (len(name), name)):
        if ".so" in name and wanted(name):
            yield os.path.join(folder, name)


def _folders_of(pid: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folders that only this process has searched, before and after the standard ones."""
    first: list[str] = []
    last: list[str] = []
    after: list[str] = []
    with suppress(OSError):
        for mapped in processes.mapped_files(pid):
            with suppress(elf.BadElf):
                run_path, is_old = elf.read(mapped.file).run_path()
                origin = os.path.dirname(mapped.path)
                (first if is_old else last).extend(_expanded(run_path, origin))
            if mapped.is_program:
                after.append(os.path.dirname(mapped.path))
        after.append(os.readlink(f"/proc/{pid}/cwd"))
        with open(f"/proc/{pid}/environ", "rb") as file:
            for setting in file.read().split(b"\0"):
                name, _, value = setting.partition(b"=")
                if name == b"LD_LIBRARY_PATH":
                    first += _expanded(os.fsdecode(value).replace(";", ":"), after[0])
    return tuple(dict.fromkeys((*first, *last))), tuple(dict.fromkeys(after))


def _expanded(path: str, origin: str) -> list[str]:
    """The folders of a search path; `$ORIGIN` is that of the object that has it."""
    expanded = path.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)
    return [folder for folder in expanded.split(":") if folder.startswith("/")]


def _cached(path: str) -> tuple[str, ...]:
    """Paths in the dynamic linker's cache, in its order."""
    try:
        stat = os.stat(path)
    except OSError:
        return ()
    return _read_cache(path, stat.st_ino, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_cache(path: str, _inode: int, _time: int) -> tuple[str, ...]:
    try:
        with open(path, "rb") as file:
            data = file.read()
        start = data.index(_CACHE_MAGIC)  # an older cache may stand before it
        (count,) = struct.unpack_from("<I", data, start + len(_CACHE_MAGIC))
        table = start + _CACHE_HEADER
        found = []
        for at in range(table, table + count * _CACHE_ENTRY.size, _CACHE_ENTRY.size):
            value = start + _CACHE_ENTRY.unpack_from(data, at)[2]
            found.append(os.fsdecode(data[value : data.index(b"\0", value)]))
        return tuple(found)
    except (OSError, ValueError, struct.error):
        return ()


def _is_library(path: str) -> bool:
    """Whether it is an ELF file of 64 bits (EI_CLASS)."""
    try:
        with open(path, "rb") as file:
            return file.read(5) == b"\x7fELF\x02"
    except OSError:
        return False
