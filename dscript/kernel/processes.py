"""What a process has mapped: the program and its libraries (proc(5), /proc/PID/maps)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

# The path of the mapping that the kernel's own library has in a process.
VDSO = "[vdso]"


class ProcessMapping(NamedTuple):
    """Memory of a process, as a line of /proc/PID/maps has it.

    `path` is empty for memory of no file; `offset` is where the mapping begins in the file.
    """

    start: int
    end: int
    offset: int
    inode: int
    path: str


class MappedFile(NamedTuple):
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


def start_time(pid: int) -> int:
    """Start of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0: gone.

    A zombie counts as gone: it has no mappings left to read.
    """
    try:
        fields = stat_fields(pid)
    except OSError:
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


def stat_fields(pid: int) -> list[bytes]:
    """/proc/PID/stat from its third field on (proc(5)): what stands behind the name.

    Raises OSError when the process is gone.
    """
    with open(f"/proc/{pid}/stat", "rb") as file:
        text = file.read()
    return text[text.rfind(b")") + 2 :].split()


def has_threads(pid: int) -> bool:
    """Whether a process runs on though its first thread has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def process_of_thread(number: int) -> int:
    """The process that a thread which is not its first belongs to; 0 for any other number."""
    try:
        with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return 0
    process = int(fields.get("Tgid", "0"))
    return process if process != number else 0


def exists(pid: int) -> bool:
    """Whether there is such a process, and it is more than a zombie."""
    return start_time(pid) != 0


def absence(pid: int) -> str:
    """What to say of a process of which `exists` is not true."""
    if os.path.exists(f"/proc/{pid}"):
        return f"process {pid} has ended: it is a zombie, whose parent has not asked for it"
    return f"there is no process {pid}"


def mapped_files(pid: int) -> list[MappedFile]:
    """The files a process runs code from, in the order of /proc/PID/maps, the program first.

    Raises OSError when the process is gone or may not be looked at.
    """
    try:
        program = os.stat(f"/proc/{pid}/exe")
        identity = (program.st_dev, program.st_ino)
    except FileNotFoundError:
        identity = None
    shared = shares_files(pid)
    found: dict[tuple[str, int], MappedFile] = {}
    for mapping in code_mappings(pid):
        key = (mapping.path, mapping.inode)
        if not mapping.path.startswith("/") or key in found:
            continue
        file, here = reachable(pid, mapping, shared)
        is_program = here is not None and here == identity
        found[key] = MappedFile(mapping.path, file, is_program)
    return sorted(found.values(), key=lambda mapped: not mapped.is_program)


def all_processes() -> list[int]:
    """The process IDs in /proc, in order."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def code_mappings(pid: int) -> Iterator[ProcessMapping]:
    """The executable mappings of a process.  Raises OSError when it is gone."""
    return mappings(pid, "x")


def mappings(pid: int, permission: str) -> Iterator[ProcessMapping]:
    """The mappings of a process with a permission: r, w or x.  Raises OSError when it is gone."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.rstrip("\n").split(None, 5)
            if permission not in fields[1]:
                continue
            start, _, end = fields[0].partition("-")
            path = fields[5] if len(fields) == 6 else ""
            yield ProcessMapping(
                int(start, 16), int(end, 16), int(fields[2], 16), int(fields[4]), path
            )


def is_of_kernel(pid: int) -> bool:
    """Whether it is a thread of the kernel's own, with no memory of a process.

    Raises OSError when it is gone or may not be looked at.
    """
    return next(code_mappings(pid), None) is None


def vdso_image() -> bytes:
    """The library that the kernel gives to every 64-bit process: ours; empty without one."""
    for mapping in code_mappings(os.getpid()):
        if mapping.path == VDSO:
            with open("/proc/self/mem", "rb", buffering=0) as memory:
                return os.pread(memory.fileno(), mapping.end - mapping.start, mapping.start)
    return b""


def own_number(pid: int) -> int:
    """The number of a process in its own PID namespace (NSpid in /proc/PID/status)."""
    try:
        with open(f"/proc/{pid}/status") as file:
            numbers = next(line for line in file if line.startswith("NSpid:"))
    except (OSError, StopIteration):
        return pid
    return int(numbers.split()[-1])


def shares_files(pid: int) -> bool:
    """Whether a process sees the same file tree as we do (mount namespace and root)."""
    try:
        if os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return False
        return os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
    except OSError:
        return True  # nothing of it can be seen but what we have in common


def reachable(
    pid: int, mapping: ProcessMapping, shared: bool | None = None
) -> tuple[str, tuple[int, int] | None]:
    """A path that opens a mapped file from here, and the file's device and inode.

    `shared` is `shares_files`, where the caller knows it.
    """
    if shared is None:
        shared = shares_files(pid)
    path = mapping.path
    # The kernel names the entry by the addresses, without leading zeros.
    link = f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}"
    inside = f"/proc/{pid}/root{path}"
    # Inodes tell files of one tree apart; another tree may have the same ones.
    for candidate in (path, inside, link) if shared else (inside, link):
        try:
            stat = os.stat(candidate)
        except OSError:
            continue
        # Overlay file systems show another inode here than in maps: only map_files is sure.
        if stat.st_ino == mapping.inode or candidate == link:
            return candidate, (stat.st_dev, stat.st_ino)
    return path, None
