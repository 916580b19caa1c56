"""What a process has mapped: the program and its libraries (proc(5), /proc/PID/maps)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file with code that a process has mapped.

    `path` is as the process sees it; `file` opens that very file from here, though it lies
    in another mount namespace or was deleted or replaced since.  `is_program` says that it
    is the file the process was started from.
    """

    path: str
    file: str
    is_program: bool

    @property
    def name(self) -> str:
        """The name without folders (and without the mark of a deleted file)."""
        return os.path.basename(self.path.removesuffix(" (deleted)"))


def exists(pid: int) -> bool:
    """Whether there is such a process, and it is more than a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return False
    return text[text.rfind(b")") + 2 :][:1] not in (b"Z", b"X")


def mapped_files(pid: int) -> list[MappedFile]:
    """The files a process runs code from, in the order of /proc/PID/maps, the program first.

    Raises OSError when the process is gone or may not be looked at.
    """
    try:
        program = os.stat(f"/proc/{pid}/exe")
        identity = (program.st_dev, program.st_ino)
    except FileNotFoundError:
        identity = None
    found: dict[tuple[str, int], MappedFile] = {}
    for span, inode, path in _code_mappings(pid):
        if (path, inode) in found:
            continue
        file, here = _reachable(pid, span, path, inode)
        found[path, inode] = MappedFile(path, file, here is not None and here == identity)
    return sorted(found.values(), key=lambda mapped: not mapped.is_program)


def all_processes() -> list[int]:
    """The process IDs in /proc, in order."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _code_mappings(pid: int) -> Iterator[tuple[str, int, str]]:
    """(address range as written, inode, path) of the executable mappings of files."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.rstrip("\n").split(None, 5)
            if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/"):
                yield fields[0], int(fields[4]), fields[5]


def _reachable(pid: int, span: str, path: str, inode: int) -> tuple[str, tuple[int, int] | None]:
    """A path that opens a mapped file from here, and the file's device and inode."""
    for candidate in (path, f"/proc/{pid}/root{path}", f"/proc/{pid}/map_files/{span}"):
        try:
            stat = os.stat(candidate)
        except OSError:
            continue
        # Overlay file systems show another inode here than in maps: only map_files is sure.
        if stat.st_ino == inode or "map_files" in candidate:
            return candidate, (stat.st_dev, stat.st_ino)
    return path, None
