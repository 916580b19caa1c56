"""Checks in the guest: recipes that need kernel functions, a disk of our own, or no memory."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tests.vm import disks
from tests.vm.harness import ROOT, Outcome, check, dscript, expect

# One slow write in the file system's own code is enough: each sync of a new file waits for it.
_SYNCS = """
import os, sys, time
fd = os.open("synced", os.O_CREAT | os.O_RDWR | os.O_TRUNC)
for _ in range(5): os.write(fd, b"x" * 4000); os.fsync(fd)
os.pread(fd, 100, 0)
"""


def _path(name: str) -> Path:
    return ROOT / f"examples/{name}.d"


def _recipe(name: str, *words: str) -> Outcome:
    return dscript("-s", str(_path(name)), *words)


def _workload(folder: Path, text: str) -> str:
    script = folder / "work.py"
    script.write_text(f"import os\nos.chdir({str(folder)!r})\n{text}")
    return f"{sys.executable} -I -S {script}"


@check("6.1", "6.12")
def check_recipe_ext4slower(shared: Path) -> None:
    """With no time too short each write, sync and read of a file is shown with its size."""
    del shared
    folder = disks.ext4("examples-ext4", 32)
    source = _path("ext4slower").read_text()
    every = folder / "every.d"
    every.write_text(source.replace("= ($1 ? $1 : 10) * 1000000LL", "= $1"))
    work = _workload(folder, _SYNCS)
    outcome = dscript("-s", str(every), "0", "$target", "-c", work)
    expect(outcome.status == 0, outcome)
    rows = [line.split()[5:] for line in outcome.stdout.splitlines()[1:] if line.strip()]
    mine = [(row[1], row[3]) for row in rows if row[4] == f"{folder}/synced"]
    expect(
        mine
        == [("ext4_file_write_iter", "4000"), ("ext4_sync_file", "0")] * 5
        + [("ext4_file_read_iter", "100")],
        outcome,
    )


@check("6.1", "6.12")
def check_recipe_oomkill(shared: Path) -> None:
    """A process that needs more than its control group may have, and is killed."""
    del shared
    group = Path("/sys/fs/cgroup/recipe")
    group.mkdir(exist_ok=True)
    Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")
    for name, value in (("memory.max", "16M"), ("memory.swap.max", "0")):
        if (group / name).exists():
            (group / name).write_text(value)
    text = f"""
pid = os.fork()
if pid == 0:
    open("/proc/self/comm", "w").write("eater")
    open("{group}/cgroup.procs", "w").write(str(os.getpid()))
    area = bytearray(b"x" * (64 << 20))
    os._exit(0)
_, status = os.waitpid(pid, 0)
open("killed", "w").write(f"{{pid}} {{status}}")
"""
    folder = Path("/dev/shm")
    outcome = _recipe("oomkill", "-c", _workload(folder, text))
    pid, status = (folder / "killed").read_text().split()
    expect(outcome.status == 0 and os.WTERMSIG(int(status)) == 9, outcome)
    row = outcome.stdout.splitlines()[1].split()
    # Which kernels pass the victim itself is not for their version to say: fixes were backported.
    expect(row[4:7] == [pid, "eater", pid] and row[7] in ("eater", "?"), outcome)
    expect(row[8:] == ["/recipe"], outcome)


@check("6.1", "6.12")
def check_recipe_iosnoop(shared: Path) -> None:
    """The loop device's requests: what a sync writes has the file's path."""
    del shared
    folder = disks.ext4("examples-ext4", 32)
    device = folder.stat().st_dev
    disk = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    outcome = _recipe("iosnoop", disk, "-c", _workload(folder, _SYNCS))
    expect(outcome.status == 0, outcome)
    rows = [line.split() for line in outcome.stdout.splitlines()[1:] if line.strip()]
    expect({row[2] for row in rows} == {disk}, outcome)
    written = [int(row[5]) for row in rows if row[-1] == f"{folder}/synced" and row[3] == "W"]
    expect(sum(written) >= 20000, outcome)


@check("6.1", "6.12")
def check_recipes_that_read_kernel_structures(shared: Path) -> None:
    """Their members are there, and say what they say on newer kernels."""
    del shared
    folder = disks.ext4("examples-ext4", 32)
    outcome = _recipe("pagecache", "$target", "-c", _workload(folder, _SYNCS))
    added = re.search(r" ext4 +(\d+) +\d+$", outcome.stdout, re.M)
    expect(added is not None and int(added[1]) >= 5, outcome)
    work = _workload(folder, "import ctypes\nctypes.string_at(0x1234)\n")
    outcome = _recipe("crashes", "-c", work)
    expect(re.search(r" 11 +0x1234$", outcome.stdout, re.M) is not None, outcome)
    work = _workload(folder, "for _ in range(3):\n os.system('exit 3')\n")
    outcome = _recipe("shortlived", "60000", "-c", work)
    expect(re.search(r"^sh +python\S* +\d+ +\d+ +3$", outcome.stdout, re.M) is not None, outcome)
    outcome = _recipe("whatexec", "$target", "-c", work)
    expect(outcome.stdout.count("program  ELF64") >= 3, outcome)
    outcome = _recipe("rwbytype", "$target", "-c", _workload(folder, _SYNCS))
    expect(re.search(r" file +write +20000$", outcome.stdout, re.M) is not None, outcome)
