"""Recipes about disks, on I/O that goes past the page cache to this machine's own disk."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.recipes import Output, recipe

BLOCK = 8192
# Direct writes and reads of the first 20 blocks: 20 writes in order, then reads of every second
# one.  Then 1 MiB through the page cache, written by fsync(2) and read again from the disk.
WORK = """
import mmap
fd = os.open("direct", os.O_CREAT | os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 8192)
for at in range(20): os.pwrite(fd, page, at * 8192)
for at in range(0, 20, 2): os.preadv(fd, [page], at * 8192)
fd = os.open("cached", os.O_CREAT | os.O_RDWR)
os.write(fd, bytes(1 << 20)); os.fsync(fd)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); os.pread(fd, 1 << 20, 0)
say(os.getpid())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a file system with a disk; without one, and without direct I/O, no test."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        device = os.stat(name).st_dev
        if not Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").exists():
            pytest.skip("no disk under /var/tmp")
        try:
            os.close(os.open(f"{name}/probe", os.O_CREAT | os.O_RDWR | os.O_DIRECT))
        except OSError:
            pytest.skip("no direct I/O under /var/tmp")
        yield Path(name)


def _disk(folder: Path) -> str:
    """The disk's name in the kernel, not that of its partition."""
    device = folder.stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    return link.parent.name if (link / "partition").exists() else link.name


def _distribution(found: Output, title: str) -> dict[int, int]:
    """Counts by value of the distribution under a line that has the title."""
    text = found.stdout[found.stdout.index(title) :].split("Distribution", 1)[1]
    text = text.split("\n\n", 1)[0]
    return {
        int(value): int(count)
        for value, count in re.findall(r"^ *(-?\d+) \|\S* +(\d+)", text, re.M)
    }


def test_iosnoop(folder: Path) -> None:
    disk = _disk(folder)
    found = recipe("iosnoop", disk, python=WORK, folder=folder)
    [[pid]] = found.told
    mine = found.rows(PID=pid, DISK=disk, BYTES=BLOCK)
    assert len([row for row in mine if row["D"] == "W"]) == 20
    reads = [int(row["BLOCK"]) for row in mine if row["D"] == "R"]
    assert len(reads) >= 10
    cached = found.rows(FILE=folder / "cached")
    for way in "RW":
        assert sum(int(row["BYTES"]) for row in cached if row["D"] == way) >= 1 << 19
    assert all(0 < float(row["MS"]) < 30000 for row in mine)


def test_iosnoop_of_a_disk_that_is_not_there(folder: Path) -> None:
    assert recipe("iosnoop", "nosuchdisk", python=WORK, folder=folder).rows() == []


def test_iotop(folder: Path) -> None:
    found = recipe("iotop", 60, python=WORK, folder=folder)
    [[pid]] = found.told
    written, read = (found.row(PID=pid, DISK=_disk(folder), D=way) for way in "WR")
    assert int(written["IOS"]) >= 21 and int(written["BYTES"]) >= 20 * BLOCK + (1 << 20)
    assert int(read["IOS"]) >= 11 and int(read["BYTES"]) >= 10 * BLOCK + (1 << 19)
    assert int(written["DISKTIME(us)"]) > 0


def test_iofile(folder: Path) -> None:
    found = recipe("iofile", python=WORK, folder=folder)
    row = found.row(D="W", FILE=folder / "cached")
    assert int(row["BYTES"]) == 1 << 20
    assert int(found.row(D="R", FILE=folder / "cached")["BYTES"]) >= 1 << 19


def test_bitesize(folder: Path) -> None:
    found = recipe("bitesize", "$target", python=WORK, folder=folder)
    sizes = _distribution(found, f"{found.told[0][0]}  ")
    assert sizes[BLOCK] >= 30
    assert sum(count for size, count in sizes.items() if size >= 1 << 16) >= 2


def test_seeksize(folder: Path) -> None:
    """Of 20 blocks in a row 19 follow the one before, if the file is in one piece."""
    found = recipe("seeksize", "$target", python=WORK, folder=folder)
    jumps = _distribution(found, f"{found.told[0][0]}  ")
    assert jumps[0] >= 10
    assert jumps[16] >= 5  # over one block of 8 KiB, which is 16 of 512 bytes


def test_iopattern(folder: Path) -> None:
    found = recipe("iopattern", 60, python=WORK, folder=folder)
    row = found.row(DISK=_disk(folder))
    assert int(row["IOS"]) >= 32 and 0 <= int(row["%RAN"]) <= 100
    assert int(row["MIN(B)"]) <= BLOCK < int(row["MAX(B)"])
    assert int(row["MIN(B)"]) <= int(row["AVG(B)"]) <= int(row["MAX(B)"])
    assert int(row["WRITTEN(B)"]) >= 20 * BLOCK + (1 << 20)
    assert int(row["READ(B)"]) >= 10 * BLOCK + (1 << 19)


def test_disklatency(folder: Path) -> None:
    found = recipe("disklatency", 60000, python=WORK, folder=folder)
    for way, least in (("write", 21), ("read", 11)):
        row = found.row(DISK=_disk(folder), WAY=way)
        ios, total = int(row["IOS"]), int(row["TOTAL(us)"])
        assert ios >= least and row["SLOW"] == "0"
        assert total // ios == pytest.approx(int(row["AVG(us)"]), abs=1)
        assert int(row["AVG(us)"]) <= int(row["MAX(us)"]) <= total


def test_biolatency(folder: Path) -> None:
    found = recipe("biolatency", python=WORK, folder=folder)
    for way, least in (("write", 21), ("read", 11)):
        times = _distribution(found, f"{_disk(folder)} {way}, microseconds")
        assert sum(times.values()) >= least


def test_iowait(folder: Path) -> None:
    found = recipe("iowait", "$target", python=WORK, folder=folder)
    row = found.row(PID=found.told[0][0])
    # Each direct I/O is waited for, unless the disk is done before the thread sleeps.
    assert 5 <= int(row["WAITS"]) <= 60
    assert int(row["LONGEST(us)"]) <= int(row["TOTAL(us)"])
