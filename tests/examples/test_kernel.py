"""Recipes about the kernel and its locks, on workloads that make it do known things."""

from __future__ import annotations

import os
import re

import pytest

from dscript.kernel import syscalls
from dscript.providers import Pattern, match
from tests.examples.recipes import Output, lossless, recipe

CALLS = """
say(os.getpid(), os.getppid())
for _ in range(3):
    os.getppid()
try:
    os.rmdir("/no/such")
except OSError:
    pass
"""

FORKS = """
for _ in range(6):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
"""

# What the kernel counted in these files meanwhile: a number for each name.
COUNTING = """
def counts(path):
    found = {}
    for line in open(path):
        name, *values = line.split()
        numbers = [int(value) for value in values if value.isdigit()]
        if values and name.endswith(":"):
            found[name[:-1]] = sum(numbers[:os.cpu_count()])
    return found
path = "PATH"
before = counts(path)
with open("file", "wb", buffering=0) as file:
    for _ in range(5):
        file.write(bytes(8192))
        os.fsync(file.fileno())
for _ in range(40):
    time.sleep(0.002)
after = counts(path)
for name, count in after.items():
    say(name, count - before.get(name, 0))
"""

TERMINAL = """
near, far = os.openpty()
for _ in range(20):
    os.write(far, b"x")
    assert os.read(near, 1) == b"x"
"""

SLEEPS = "for _ in range(25): time.sleep(0.004)\n"

PIPES = """
open("/proc/self/comm", "w").write("plumber")
pipes = [os.pipe() for _ in range(100)]
say(os.getpid())
"""

PAGES = """
import mmap
open("/proc/self/comm", "w").write("toucher")
memory = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE)
for at in range(0, 8 << 20, 4096):
    memory[at] = 1
memory.close()
say(os.getpid())
"""

# One thread computes while the other takes memory away, which both CPUs must hear of.
CROSS_CALLS = """
import hashlib, mmap
open("/proc/self/comm", "w").write("caller")
worker = threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"a", b"b", 600_000))
worker.start()
while worker.is_alive():
    with mmap.mmap(-1, 65536, flags=mmap.MAP_PRIVATE) as memory:
        for at in range(0, 65536, 4096):
            memory[at] = 1
say(os.getpid())
"""

MODULE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_long]
load, unload = {load}, {unload}
with open("module.ko", "wb+") as file:
    file.write(b"no module")
    file.flush()
    assert libc.syscall(load, file.fileno(), b"", 0) == -1
    say(os.getpid(), ctypes.get_errno(), os.path.realpath("module.ko"))
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_char_p, ctypes.c_long]
assert libc.syscall(unload, b"nosuchmodule", 0o4000) == -1
say(os.getpid(), ctypes.get_errno(), "nosuchmodule")
"""

# Threads that change one address space: the semaphore of its mappings is wanted by all.
MAPPINGS = """
import ctypes, mmap
open("/proc/self/comm", "w").write("mapper")
def work():
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        with mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE) as memory:
            ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1, 1 << 20)
threads = [threading.Thread(target=work) for _ in range(4)]
start = time.monotonic_ns()
for thread in threads: thread.start()
for thread in threads: thread.join()
say(os.getpid(), time.monotonic_ns() - start)
"""

# The other thread waits for the lock 40 ms at a time, three times.
HELD = """
open("/proc/self/comm", "w").write("holder")
lock, turn = threading.Lock(), threading.Semaphore(0)
def wait():
    for _ in range(3):
        turn.acquire()
        with lock:
            pass
waiter = threading.Thread(target=wait)
waiter.start()
start = time.monotonic_ns()
for _ in range(3):
    with lock:
        turn.release()
        time.sleep(0.04)
    time.sleep(0.01)
waiter.join()
say(os.getpid(), time.monotonic_ns() - start)
"""


def stacks(found: Output, unit: str = "") -> list[tuple[str, int]]:
    """Each stack as text, and the number under it."""
    blocks = re.split(rf"^ +(\d+){unit}$", found.stdout, flags=re.MULTILINE)
    return [(text, int(number)) for text, number in zip(blocks[::2], blocks[1::2], strict=False)]


def test_syscallflow() -> None:
    found = lossless("syscallflow", python=CALLS)
    [[_, parent]] = found.told
    lines = [" ".join(words[1:]) for words in found.words]
    entries = [at for at, line in enumerate(lines) if line.startswith("=> getppid")]
    assert len(entries) == 4
    for at in entries:
        assert re.fullmatch(rf"<= getppid = {parent}, errno 0, \d+ us", lines[at + 1])
    assert any(line.startswith("<= rmdir = -1, errno 2,") for line in lines)


def test_stackcount_of_a_tracepoint() -> None:
    found = lossless("stackcount", "sched_process_fork", python=FORKS)
    counts = stacks(found)
    [whole] = [int(line.split()[-1]) for line in found.lines if line.startswith("in all")]
    assert whole == sum(count for _, count in counts) >= 6
    assert all("clone" in text or "fork" in text or "user_mode" in text for text, _ in counts)
    assert max(count for _, count in counts) >= 6


@pytest.mark.parametrize("name", ["intbycpu", "intoncpu"])
def test_interrupts(name: str) -> None:
    """At least those of devices that /proc/interrupts counts meanwhile."""
    found = recipe(name, python=COUNTING.replace("PATH", "/proc/interrupts"))
    devices = sum(int(count) for line, count in found.told if line.isdigit())
    rows = found.rows()
    assert sum(int(row["COUNT"]) for row in rows) >= devices
    if name == "intoncpu":
        for row in rows:
            assert 0 < int(row["AVG(ns)"]) == int(row["SUM(ns)"]) // int(row["COUNT"])
            assert int(row["MAX(ns)"]) <= int(row["SUM(ns)"])


def test_softirqs() -> None:
    """At least as many as /proc/softirqs counts meanwhile, where it counts more than a few."""
    found = recipe("softirqs", python=COUNTING.replace("PATH", "/proc/softirqs"))
    names = {name.lower(): int(count) for name, count in found.told}
    assert names["timer"] > 0 and names["rcu"] > 0
    for name in ("timer", "rcu", "sched", "block"):
        if names.get(name):
            row = found.row(SOFTIRQ=name)
            assert int(row["COUNT"]) >= names[name], (row, names)
            assert int(row["MAX(us)"]) <= int(row["SUM(us)"])


def test_workqueues() -> None:
    """What is written to a terminal comes to its other side by way of a worker."""
    found = lossless("workqueues", python=TERMINAL)
    row = found.row(FUNCTION="vmlinux`flush_to_ldisc")
    assert int(row["COUNT"]) >= 15
    assert int(row["AVG(us)"]) == int(row["SUM(us)"]) // int(row["COUNT"])


def test_timers() -> None:
    found = lossless("timers", python=SLEEPS)
    row = found.row(KIND="hrtimer", FUNCTION="vmlinux`hrtimer_wakeup")
    assert int(row["COUNT"]) >= 25
    assert 0 < int(row["AVG(ns)"]) == int(row["SUM(ns)"]) // int(row["COUNT"])


def test_kmemalloc() -> None:
    """A pipe has a structure and sixteen buffers of 40 bytes."""
    found = recipe("kmemalloc", "$target", python=PIPES)
    of_pipes = sum(count for text, count in stacks(found, " bytes") if "alloc_pipe_info" in text)
    assert of_pipes >= 100 * 640, found.stdout
    row = found.row()
    assert int(row["GIVEN"]) >= int(row["ASKED"]) >= 100 * 640
    assert int(row["GIVEN"]) >= of_pipes and int(row["ALLOCATIONS"]) >= 200


def test_slabtop() -> None:
    found = lossless("slabtop", python=PIPES)
    row = found.row(CACHE="filp", COMMAND="plumber")
    assert 200 <= int(row["OBJECTS"]) <= 230
    assert int(row["BYTES"]) % int(row["OBJECTS"]) == 0
    assert 100 <= int(row["BYTES"]) // int(row["OBJECTS"]) <= 512


def test_pagealloc() -> None:
    """Eight megabytes are 2,048 pages, one by one or huge; all come back."""
    found = recipe("pagealloc", "$target", python=PAGES, stderr=r"(dscript: \d+ nested.*\n?)*")
    rows = found.rows(PID=found.told[0][0], COMMAND="toucher")
    pages = sum(int(row["PAGES"]) for row in rows)
    assert 2048 <= pages <= 2048 + 1500
    for row in rows:
        assert int(row["PAGES"]) == int(row["TIMES"]) << int(row["ORDER"])
    assert sum(int(row["FREED"]) for row in rows) >= 1500


@pytest.mark.skipif(os.cpu_count() == 1, reason="one CPU calls no other")
def test_xcalls() -> None:
    if not match(Pattern("sysinfo", "", "", "xcalls")).points:
        pytest.skip("this kernel has no event")
    found = recipe("xcalls", python=CROSS_CALLS)
    row = found.row(PID=found.told[0][0], COMMAND="caller")
    assert int(row["XCALLS"]) >= 1
    assert all("`" in text and count > 0 for text, count in stacks(found))


def test_modload() -> None:
    numbers = syscalls.table()
    text = MODULE.format(load=numbers["finit_module"], unload=numbers["delete_module"])
    found = lossless("modload", python=text)
    for (pid, error, name), call in zip(found.told, ("finit_module", "delete_module"), strict=True):
        row = found.row(PID=pid, CALL=call)
        assert (row["ERRNO"], row["MODULE"]) == (error, name)


@pytest.mark.parametrize("name", ["lockbyproc", "rwlockwaits", "lockstat"])
def test_kernel_locks(name: str) -> None:
    """The threads wait for their address space; the sums are no more than all had together."""
    found = recipe(name, python=MAPPINGS)
    [[pid, took]] = found.told
    if name == "lockbyproc":
        rows = found.rows(PID=pid, COMMAND="mapper", KIND="rw-block")
        total, longest = int(rows[0]["SUM(ns)"]), int(rows[0]["MAX(ns)"])
        assert longest <= total
    elif name == "rwlockwaits":
        rows = found.rows(PID=pid, COMMAND="mapper")
        assert {row["WANTED"] for row in rows} <= {"read", "write"}
        assert {row["HELD"] for row in rows} <= {"writer", "readers"}
        total = 1000 * sum(int(row["SUM(us)"]) for row in rows)
        of_stacks = sum(count for _, count in stacks(found, " us"))
        assert of_stacks > 0
    else:
        rows = found.rows(KIND="rw-block")
        total = max(int(row["SUM(ns)"]) for row in rows)
        assert any("rwsem" in text for text, _ in stacks(found, " ns"))
    assert sum(int(row["WAITS"]) for row in rows) > 0
    assert 0 < total <= 4 * int(took)


def test_futexes() -> None:
    found = lossless("futexes", "$target", python=HELD)
    [[pid, took]] = found.told
    rows = found.rows(PID=pid, COMMAND="holder")
    total = sum(int(row["SUM(us)"]) for row in rows)
    assert 120_000 <= total <= 2 * int(took) // 1000
    assert max(int(row["WAITS"]) for row in rows) >= 3
    assert sum(count for _, count in stacks(found, " us")) >= 0.9 * total
