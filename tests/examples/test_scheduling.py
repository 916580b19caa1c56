"""Recipes about scheduling, on workloads that say when they ran and slept."""

from __future__ import annotations

from pathlib import Path

import pytest

from dscript.kernel import btf
from dscript.providers import fbt
from tests.examples.recipes import lossless, recipe
from tests.examples.test_cpu import SPINNERS, near, pictures

SLEEPS = """
open("/proc/self/comm", "w").write("sleeper")
start = time.monotonic_ns()
for _ in range(20):
    time.sleep(0.005)
say(os.getpid(), time.monotonic_ns() - start)
"""

PING_PONG = """
there, back = os.pipe(), os.pipe()
child = os.fork()
if not child:
    for _ in range(50):
        os.read(there[0], 1)
        os.write(back[1], b"-")
    os._exit(0)
for _ in range(50):
    os.write(there[1], b"-")
    os.read(back[0], 1)
os.waitpid(child, 0)
say(os.getpid(), child)
"""

NICE = """
open("/proc/self/comm", "w").write("nicer")
os.nice(7)
while time.process_time() < 0.25:
    pass
say(os.getpid(), time.process_time_ns())
"""

BOUND = """
cpus = sorted(os.sched_getaffinity(0))
open("/proc/self/comm", "w").write("mover")
os.sched_setaffinity(0, {cpus[0]})
for _ in range(10):
    for cpu in (cpus[-1], cpus[0]):
        os.sched_setaffinity(0, {cpu})
say(os.getpid(), cpus[0], cpus[-1])
"""

PRIORITIES = """
open("/proc/self/comm", "w").write("nicer")
os.nice(3)
try:
    os.setpriority(os.PRIO_PROCESS, 4194304, 5)
except OSError as error:
    say(os.getpid(), error.errno)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
os.sched_setparam(0, os.sched_param(0))
"""

needs_stacks = pytest.mark.skipif(
    btf.find(btf.Kind.TYPEDEF, "btf_trace_sched_exit_tp") is None and not fbt.mechanisms(),
    reason="this kernel has no event behind the switch",
)


def test_runqlat() -> None:
    """Two processes for one CPU wait for each other, some milliseconds at a time."""
    found = recipe("runqlat", python=SPINNERS)
    row = found.row(COMMAND="spinner")
    assert int(row["WAITS"]) > 20
    assert 1000 <= int(row["MAX(us)"]) <= int(row["SUM(us)"])
    [drawn] = pictures(found).values()
    assert sum(drawn.values()) == sum(int(each["WAITS"]) for each in found.rows())


def test_qtime() -> None:
    found = recipe("qtime", python=SPINNERS)
    counts = pictures(found)[f"CPU {found.told[0][1]}, nanoseconds in the queue:"]
    assert sum(count for value, count in counts.items() if int(value) >= 1 << 19) > 20, counts


@needs_stacks
def test_offcpu() -> None:
    """The twenty sleeps are under one stack of the kernel, with the time that they took."""
    found = recipe("offcpu", python=SLEEPS)
    [[_, slept]] = found.told
    sums = [block.split() for block in found.stdout.split("\n") if block.endswith(" us")]
    stacks = found.stdout.split(" us\n")
    asleep = [int(number) for (number, _), text in zip(sums, stacks, strict=False)
              if "nanosleep" in text]  # fmt: skip
    assert 100_000 <= sum(asleep) <= int(slept) // 1000, found.stdout


@needs_stacks
def test_offcpuflame(tmp_path: Path) -> None:
    """The table, the folded stacks and the picture agree about a program of three processes."""
    folded, picture = tmp_path / "folded", tmp_path / "picture.svg"
    options = ["--folded", str(folded), "--flamegraph", str(picture)]
    found = recipe("offcpuflame", sh="sleep 0.1\nsleep 0.05\n", options=options)
    row = found.rows(COMMAND="sleep")[0]  # the stacks come behind the table
    assert 150_000 <= int(row["OFF-CPU(us)"]) < 1_000_000
    assert int(row["MAX(us)"]) >= 100_000
    lines = [line.rsplit(" ", 1) for line in folded.read_text().splitlines()]
    of_sleep = sum(int(count) for stack, count in lines if stack.startswith("sleep;"))
    assert of_sleep == int(row["OFF-CPU(us)"])
    assert any("nanosleep" in stack for stack, _ in lines)
    assert "<svg" in picture.read_text()


def test_sleepers() -> None:
    found = lossless("sleepers", python=SLEEPS)
    [[pid, slept]] = found.told
    row = found.row(PID=pid, COMMAND="sleeper")
    assert int(row["SLEEPS"]) >= 15  # a sleep may be over before it began
    assert int(row["SUM(us)"]) >= 75_000
    assert int(row["MAX(us)"]) <= int(slept) // 1000 + 100_000
    assert int(row["AVG(us)"]) == int(row["SUM(us)"]) // int(row["SLEEPS"])


def test_wakeups() -> None:
    """Two processes answer each other fifty times; one that is preempted by the one it woke
    need not sleep before the next question."""
    found = lossless("wakeups", python=PING_PONG)
    [[parent, child]] = found.told
    pairs = ((parent, child), (child, parent))
    counts = [
        sum(int(row["WAKEUPS"]) for row in found.rows(PID=waker, WOKEN=woken))
        for waker, woken in pairs
    ]
    assert sum(counts) >= 50 and max(counts) <= 52


def test_cswstat() -> None:
    """The machine's own count of context switches meanwhile is no more than that of the CPUs."""
    counting = """
def switches():
    return next(int(line.split()[1]) for line in open("/proc/stat") if line.startswith("ctxt"))
before = switches()
for _ in range(50):
    time.sleep(0.002)
say(switches() - before)
"""
    found = recipe("cswstat", python=counting)
    [[switched]] = found.told
    rows = found.rows()
    assert sum(int(row["SWITCHES"]) for row in rows) >= int(switched) >= 40
    assert all(int(row["PREEMPTED"]) <= int(row["SWITCHES"]) for row in rows)
    assert all(int(row["AVG-STAY(us)"]) > 0 for row in rows)


def test_migrations() -> None:
    found = lossless("migrations", python=BOUND)
    [[pid, first, last]] = found.told
    if first == last:
        pytest.skip("one CPU")
    for source, target in ((first, last), (last, first)):
        row = found.row(PID=pid, COMMAND="mover", FROM=source, TO=target)
        assert 9 <= int(row["MOVES"]) <= 11


@pytest.mark.parametrize("name", ["priclass", "pridist"])
def test_priorities(name: str) -> None:
    """Nice 7 is priority 12."""
    found = recipe(name, python=NICE)
    [[pid, used]] = found.told
    drawn = pictures(found)
    if name == "pridist":
        counts = drawn[f"nicer, PID {pid}, samples by priority:"]
        assert counts["12"] >= 0.8 * sum(counts.values())
        assert near(sum(counts.values()), int(used) * 997 / 1e9)
    else:
        counts = drawn["Class TS, samples by priority:"]
        assert counts["12"] >= 0.5 * int(used) * 997 / 1e9


def test_nicesnoop() -> None:
    found = lossless("nicesnoop", python=PRIORITIES)
    [[pid, error]] = found.told
    rows = [list(row.values())[1:] for row in found.rows(PID=pid)]
    assert rows == [
        ["nicer", "setpriority", "0", "3", "0"],
        ["nicer", "setpriority", "4194304", "5", error],
        ["nicer", "sched_setscheduler", "0", "3", "0"],
        ["nicer", "sched_setparam", "0", "0", "0"],
    ]
