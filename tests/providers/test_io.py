"""io probes against a workload that knows what it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.providers.derived_support import refused, traced


@pytest.fixture
def folder() -> Path:
    """A folder on a disk."""
    here = Path("/var/tmp")
    if os.major(os.stat(here).st_dev) == 0:
        pytest.skip("/var/tmp is not on a disk of its own device number")
    return here


def test_direct_writes(tmp_path: Path, folder: Path) -> None:
    """Three writes of 8 KiB to a file of known blocks: size, direction, device, pairing."""
    name = folder / f"dscript-io-{os.getpid()}"
    seen, told = traced(
        tmp_path,
        "io:::start /args[0]->b_bcount == 8192 && args[0]->b_flags == B_WRITE && pid == $target/ "
        "{ began[arg0] = timestamp; block[arg0] = args[0]->b_blkno; "
        'printf("start %d %d %s %s\\n", args[1]->dev_major, args[1]->dev_minor, '
        "args[1]->dev_statname, args[2]->fi_name); } "
        'io:::done /began[arg0]/ { printf("done %d %d %d\\n", args[0]->b_bcount, '
        "args[0]->b_blkno == block[arg0], timestamp > began[arg0]); began[arg0] = 0; }",
        "import mmap\n"
        f"fd = os.open({str(name)!r}, os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)\n"
        "page = mmap.mmap(-1, 8192)\n"
        "for _ in range(3):\n    os.write(fd, page)\n    time.sleep(0.02)\n"
        f"status = os.fstat(fd)\nos.unlink({str(name)!r})\n"
        "say(os.major(status.st_dev), os.minor(status.st_dev))\n",
    )
    starts = [words[1:] for words in seen if words[0] == "start"]
    done = [words[1:] for words in seen if words[0] == "done"]
    assert len(starts) == 3
    disk = Path(f"/sys/block/{starts[0][2]}/dev").read_text().strip().split(":")
    assert {tuple(words[:2]) for words in starts} == {tuple(disk)}
    assert told[0][0] == disk[0]  # a partition has a minor number of its own
    assert {words[3] for words in starts} == {"<none>"}
    assert done == [["8192", "1", "1"]] * 3


def test_the_file_of_buffered_writes(tmp_path: Path, folder: Path) -> None:
    name = folder / f"dscript-io-file-{os.getpid()}"
    seen, _ = traced(
        tmp_path,
        f'io:::start /args[2]->fi_name == "{name.name}"/ '
        "{ @[args[2]->fi_fs] = sum(args[0]->b_bcount); }",
        f"file = open({str(name)!r}, 'wb')\nfile.write(bytes(64 << 10))\nfile.flush()\n"
        f"os.fsync(file.fileno())\nos.unlink({str(name)!r})\n",
    )
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    device = os.stat(folder).st_dev
    types = {m[2] for m in mounts if os.path.exists(m[1]) and os.stat(m[1]).st_dev == device}
    assert len(seen) == 1
    assert seen[0][0] in types
    assert int(seen[0][1]) == 64 << 10


def test_what_is_not_there_is_said() -> None:
    assert "nearest: " in refused("io:::wait-start {}")
