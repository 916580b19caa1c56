"""Checks in the guest: I/O of NFS, against what the mount itself counts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.vm import nfs
from tests.vm.harness import check, complete, expect

PROGRAM = """
io:::start /args[1]->dev_name == "nfs"/
{
    bytes[arg0] = args[0]->b_bcount; block[arg0] = args[0]->b_blkno; flags[arg0] = args[0]->b_flags;
    at[arg0] = timestamp;
    @start[args[0]->b_flags == B_READ ? "read" : "write"] = count();
}
io:::done /at[arg0]/
{
    this->way = args[0]->b_flags == B_READ ? "read" : "write";
    @done[this->way] = count();
    @bytes[this->way] = sum(args[0]->b_bcount - args[0]->b_resid);
    @same[this->way] = sum(args[0]->b_bcount == bytes[arg0] && args[0]->b_blkno == block[arg0] &&
        args[0]->b_flags == flags[arg0] && timestamp > at[arg0]);
    @blocks[this->way, args[0]->b_blkno] = count();
    @of[args[1]->dev_statname, args[1]->dev_pathname, args[1]->dev_major, args[1]->dev_minor,
        args[2]->fi_pathname, args[2]->fi_fs, args[2]->fi_mount] = count();
    at[arg0] = 0;
}
io:::done /args[1]->dev_name != "nfs"/ { @others = count(); }
END
{
    printa("start-%s %@d\\n", @start); printa("done-%s %@d\\n", @done);
    printa("bytes-%s %@d\\n", @bytes); printa("same-%s %@d\\n", @same);
    printa("block %s %d\\n", @blocks); printa("of %s %s %d %d %s %s %s\\n", @of);
}
"""

# Eight direct writes, a buffered one that the kernel may cut up, and direct reads of all of
# it; the last ends beyond the end.  The mount's own counts of operations: /proc/self/mountstats
# (net/sunrpc/stats.c), where a READ of version 4.2 is a READ_PLUS.
WORK = """
import mmap, os, sys
path, told = sys.argv[1], sys.argv[2]
def counts():
    lines = open("/proc/self/mountstats").read().split("fstype nfs")[-1].splitlines()
    found = {line.split()[0][:-1]: line.split()[1:] for line in lines if ": " in line}
    kinds = ("READ", "READ_PLUS"), ("WRITE",)
    return [sum(int(found[name][0]) for name in names) for names in kinds]
before = counts()
page = mmap.mmap(-1, 8192)
fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT)
for n in range(8): os.pwrite(fd, page, n * 8192)
plain = os.open(path, os.O_RDWR)
os.pwrite(plain, bytes(100000), 65536)
os.fsync(plain)
for n in range(8): os.preadv(fd, [page], n * 8192)
os.preadv(fd, [page], 163840)
after = counts()
status = os.stat(path)
with open(told, "w") as file:
    print(*(b - a for a, b in zip(before, after)), file=file)
    print(os.major(status.st_dev), os.minor(status.st_dev), file=file)
"""


@check("6.1", "6.12")
def check_nfs_io(shared: Path) -> None:
    """Starts and ends pair up by arg0; bytes, places, device and file are the workload's."""
    with nfs.mounted() as folder:
        _check(shared, folder)


def _check(shared: Path, folder: Path) -> None:
    script, told = shared / "nfs.py", shared / "nfs.told"
    script.write_text(WORK)
    (shared / "nfs.d").write_text(PROGRAM)
    file = folder / "a file"
    command = f"{sys.executable} {script} '{file}' {told}"
    outcome = complete("-q", "-s", str(shared / "nfs.d"), "-c", command)
    lines = [line.split() for line in outcome.stdout.splitlines() if line.strip()]
    found = {words[0]: words[1:] for words in lines}
    blocks = {(words[1], int(words[2])) for words in lines if words[0] == "block"}
    (reads, writes), device = (line.split() for line in told.read_text().splitlines())
    for way, count in (("read", reads), ("write", writes)):
        for what in ("start", "done", "same"):
            expect(found[f"{what}-{way}"] == [count], outcome)
    expect(found["bytes-write"] == [str(165536)], outcome)
    expect(found["bytes-read"] == [str(65536 + 165536 - 163840)], outcome)
    direct = {(way, n * 16) for way in ("read", "write") for n in range(8)}
    expect(direct | {("read", 320), ("write", 128)} <= blocks, outcome)
    (of,) = (line for line in outcome.stdout.splitlines() if line.startswith("of "))
    expect(
        of == f"of nfs{device[1]} 127.0.0.1:/ {device[0]} {device[1]} {file} nfs4 {folder}", outcome
    )
    os.unlink(file)
