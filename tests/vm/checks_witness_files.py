"""Checks in the guest: statistics of blocks, buffers, locks and pages against other counters.

The histograms that tracefs makes of the same events, what /proc/diskstats says of the disks,
the faults of getrusage(2), or the workload itself; see checks_witness.py.
"""

from __future__ import annotations

from pathlib import Path

from tests.providers import every_probe
from tests.vm import checks_every_probe
from tests.vm.checks_statistics import traced
from tests.vm.checks_witness import HISTOGRAMS, KEEP, between
from tests.vm.harness import Outcome, check, expect

# Requests without data only make a disk write its cache: they are neither reads nor writes.
_EVENTS = """
events = (
    ("block/block_bio_queue", "rwbs if nr_sector > 0"),
    ("block/block_touch_buffer", "size"),
    ("block/block_dirty_buffer", "size"),
    ("lock/contention_begin", "flags"),
)
"""

# Reads and writes that all disks had, those that were merged with another request included.
_DISKS = """
def disks():
    rows = [[int(n) for n in line.split()[3:]] for line in open("/proc/diskstats")]
    return sum(row[0] + row[1] for row in rows), sum(row[4] + row[5] for row in rows)
"""

_WORK = """
import mmap, resource
from pathlib import Path
from tests.providers import probe_work as work
def major(): return resource.getrusage(resource.RUSAGE_SELF).ru_majflt
def read_pages(fd):
    pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    before = major()
    for at in range(0, len(pages), 4096): pages[at]
    return major() - before
def write_pages(fd, count):
    for _ in range(count): os.write(fd, bytes(4096)); os.fdatasync(fd)
def make_and_remove(count):
    for n in range(count):
        open(f"/dev/shm/gone{n}", "w").close()
        os.unlink(f"/dev/shm/gone{n}")
"""

# Nothing is left to be written when the marks are set: no request is on its way between a
# mark and the look at the other counters.
_BETWEEN_MARKS = """
dropped = work._dropped(folder, 4)
put = os.open(folder / "put", os.O_RDWR | os.O_CREAT, 0o600)
os.sync()
on_disks = disks()
for each in events: begin(*each)
mark()
faults = read_pages(dropped)
write_pages(put, 5)
make_and_remove(30)
work._files_of_the_system(folder)
work.locks(folder)
os.sync()
mark()
blocks, touched, dirtied, flags = (end(*each) for each in events)
read, written = (after - before for before, after in zip(on_disks, disks()))
"""

# In `flags` of a contention: 1 spins, 2 reads, 4 writes, 32 is a mutex
# (include/trace/events/lock.h).
_TELL = """
def tell(name, counts, wanted):
    say("told-" + name, sum(count for key, count in counts.items() if wanted(key)))
tell("bread", blocks, lambda key: "R" in key)
tell("bwrite", blocks, lambda key: "W" in key)
tell("bawrite", blocks, lambda key: "W" in key and "S" not in key)
tell("lread", touched, lambda key: True)
tell("lwrite", dirtied, lambda key: True)
tell("mutex_adenters", flags, lambda key: int(key) & 33 == 33)
tell("rw_rdfails", flags, lambda key: int(key) & 2)
tell("rw_wrfails", flags, lambda key: int(key) & 4)
say("told-getpage", faults)
say("told-putpage", 5)
say("told-inactive", 30)
say("disks-bread", read)
say("disks-bwrite", written)
"""


@check()
def check_witness_files_and_locks(shared: Path) -> None:
    """Blocks, buffers and waits for locks by events and disks; pages and inodes by hand."""
    folder = checks_every_probe.disk() / "witness"
    folder.mkdir(exist_ok=True)
    every_probe.prepare(folder)
    names = ["bread", "bwrite", "bawrite", "lread", "lwrite"]
    names += ["mutex_adenters", "rw_rdfails", "rw_wrfails"]
    found, outcome = traced(
        shared,
        f"{', '.join(f'sysinfo:::{name}' for name in names)} /inside/ {KEEP} "
        'fsinfo:::inactive /inside && pid == $target && args[0]->fi_fs == "tmpfs"/ '
        "{ @n[probename] = sum(1); } "
        "fsinfo:::getpage, fsinfo:::putpage /inside && pid == $target && "
        '(args[0]->fi_name == "dropped4" || args[0]->fi_name == "put")/ '
        "{ @n[probename] = sum(1); }",
        "sys.path.insert(0, os.getcwd())\n"
        + "".join((HISTOGRAMS, _EVENTS, _DISKS, _WORK))
        + f"folder = Path({str(folder)!r})\n"
        + _BETWEEN_MARKS
        + _TELL,
    )
    outcome = Outcome(outcome.status, f"{found}", outcome.stderr)
    # The histograms begin before the first mark and end after the second; major faults may be
    # of the interpreter's own files.
    slack = dict.fromkeys(names, 5) | {"getpage": 4, "putpage": 0, "inactive": 0}
    between(found, outcome, slack)
    expect(int(found["told-getpage"][0]) >= 64, outcome)  # each page of the file
    # A request that a disk takes in parts counts again there, and so may one without data.
    for name in ("bread", "bwrite"):
        own, told = int(found[name][0]), int(found[f"disks-{name}"][0])
        expect(own - 2 <= told <= own + 10 + own // 10, outcome)
