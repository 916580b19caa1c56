"""Recipes about memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.examples.recipes import recipe

FAULTS = """
import mmap, resource
before = resource.getrusage(resource.RUSAGE_SELF)
memory = mmap.mmap(-1, 500 * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, len(memory), 4096): memory[at] = 1
"""


def test_minfbyproc() -> None:
    """As many as the kernel counts for the process itself."""
    work = (
        FAULTS
        + """
after = resource.getrusage(resource.RUSAGE_SELF)
say(os.getpid(), before.ru_minflt, after.ru_minflt)
"""
    )
    found = recipe("minfbyproc", "$target", python=work)
    pid, before, after = (int(word) for word in found.told[0])
    seen = int(found.row(PID=pid)["MINFLT"])
    # Those of the exec came before tracing began; those of the exit are not told.
    assert after - before >= 500
    assert after - before <= seen <= after + 150


MAJOR = """
import mmap, resource
f = open("mapped", "wb+"); f.write(bytes(1 << 20)); f.flush(); os.fsync(f.fileno())
os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
memory = mmap.mmap(f.fileno(), 0); memory.madvise(mmap.MADV_RANDOM)
before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
sum(memory[at] for at in range(0, 1 << 20, 1 << 16))
say(os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before)
"""


def test_majorfaults() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        found = recipe("majorfaults", "$target", python=MAJOR, folder=Path(folder))
    [[pid, faults]] = found.told
    rows = found.rows(PID=pid)
    # What the interpreter itself brings in may be on disk, too.
    assert sum(int(row["MAJFLT"]) for row in rows) >= int(faults)
    if int(faults):
        assert max(rows, key=lambda row: int(row["MAJFLT"]))["FUNCTION"] not in ("0x0", "")


def test_vmstat() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        found = recipe("vmstat", 60, python=FAULTS + MAJOR, folder=Path(folder))
    row = found.row()
    assert int(row["FAULT"]) >= 500
    assert int(row["MAJOR"]) >= int(found.told[0][1])
    assert int(row["OUT(K)"]) >= (1024 if int(found.told[0][1]) else 0)


def test_pagecache() -> None:
    work = """
fd = os.open("file", os.O_CREAT | os.O_WRONLY)
for _ in range(64): os.write(fd, bytes(4096)); os.fsync(fd)
os.close(fd); os.unlink("file")
say(os.getpid())
"""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        found = recipe("pagecache", "$target", python=work, folder=Path(folder))
        [fs] = [
            line.split()[2]
            for line in Path("/proc/self/mounts").read_text().splitlines()
            if line.split()[1] == "/"
        ]
    rows = found.rows(PID=found.told[0][0])
    counted = {row["FS"]: (int(row["ADDED"]), int(row["DROPPED"])) for row in rows}
    added, dropped = counted.get(fs) or max(counted.values())
    assert added >= 64 and dropped >= 64


def test_memgrow() -> None:
    work = """
import mmap
maps = [mmap.mmap(-1, 1 << 20) for _ in range(8)]
say(os.getpid())
"""
    least, most = 8 << 20, (8 << 20) + (4 << 20)
    found = recipe("memgrow", "$target", python=work)
    row = found.row(PID=found.told[0][0])
    assert least <= int(row["MAPPED(B)"]) <= most
    assert int(row["HEAP(B)"]) > 100_000 and int(row["CALLS"]) > 10
