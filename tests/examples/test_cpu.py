"""Recipes about CPUs, on workloads that say what CPU time they used."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.examples.recipes import Output, interrupted, recipe

# Two processes that want one CPU for a while; each says its number, the CPU and its time on it.
SPINNERS = """
cpu = min(os.sched_getaffinity(0))
open("/proc/self/comm", "w").write("spinner")
children = []
for _ in range(2):
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, {cpu})
        while time.process_time() < 0.25:
            pass
        say(os.getpid(), cpu, time.process_time_ns())
        time.sleep(0.001)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""

THREADS = """
def spin():
    while time.thread_time() < 0.3:
        pass
    say(os.getpid(), threading.get_native_id(), time.thread_time_ns())
worker = threading.Thread(target=spin)
worker.start()
worker.join()
"""

HOT = """
#include <stdio.h>
#include <time.h>
static volatile unsigned sink;
__attribute__((noinline)) unsigned work(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		sink += i;
	return sink;
}
__attribute__((noinline)) unsigned less_work(void) { return work(0) + 1; }
int main(void)
{
	while (clock() < 400000)
		work(20000);
	less_work();
	printf("used %ld\\n", (long)clock());
	return 0;
}
"""


def pictures(output: Output) -> dict[str, dict[str, int]]:
    """The counts of each distribution by value, under the line that names it."""
    found: dict[str, dict[str, int]] = {}
    title = ""
    for line in output.lines:
        value, bar, rest = line.partition("|")
        if bar:
            if int(rest.split()[-1]):
                found.setdefault(title, {})[value.strip()] = int(rest.split()[-1])
        elif "Distribution" not in line:
            title = line
    return found


def near(value: int, expected: float, share: float = 0.4, slack: int = 12) -> bool:
    """As near as samples of a busy machine can be."""
    return abs(value - expected) <= share * expected + slack


def test_sampleproc() -> None:
    found = recipe("sampleproc", python=SPINNERS)
    for pid, _, used in found.told:
        row = found.row(PID=pid)
        assert row["COMMAND"] == "spinner"
        assert near(int(row["SAMPLES"]), int(used) * 97 / 1e9), (row, used)
        assert 0 < int(row["PERCENT"]) <= 100


def test_oncpu() -> None:
    """As the kernel has it; the start and end of a process are not in its own account."""
    found = recipe("oncpu", python=SPINNERS)
    for pid, _, used in found.told:
        row = found.row(PID=pid)
        measured = int(row["ON-CPU(us)"])
        assert near(measured, int(used) / 1000, 0.15, 5000), (row, used)
        assert int(row["MAX(us)"]) <= measured
        assert int(row["AVG(us)"]) == measured // int(row["TIMES"])


def test_cputimes() -> None:
    """The classes are all of each CPU's time, and processes had at least what two of them say."""
    found = recipe("cputimes", python=SPINNERS)
    shares: dict[str, int] = {}
    for row in found.rows():
        shares[row["CPU"]] = shares.get(row["CPU"], 0) + int(row["PERCENT"])
    assert set(shares) >= {cpu for _, cpu, _ in found.told}
    assert all(80 <= share <= 101 for share in shares.values()), found.stdout
    of_processes = sum(int(row["TIME(ms)"]) for row in found.rows(CLASS="process"))
    assert of_processes >= 0.9 * sum(int(used) for _, _, used in found.told) / 1e6


def test_cpuwalk() -> None:
    """Each process was nearly always found on the CPU that it was bound to."""
    found = recipe("cpuwalk", python=SPINNERS)
    drawn = pictures(found)
    for pid, cpu, used in found.told:
        counts = drawn[f"PID {pid}, spinner, samples by CPU:"]
        assert counts[cpu] >= 0.9 * sum(counts.values()), counts
        assert near(sum(counts.values()), int(used) * 997 / 1e9), (counts, used)


def test_cpudists() -> None:
    """Processes that share a CPU have it for some milliseconds at a time."""
    found = recipe("cpudists", python=SPINNERS)
    counts = pictures(found)["process, microseconds on CPU:"]
    assert sum(counts.values()) > 20, found.stdout
    assert any(int(value) >= 512 for value in counts)


@pytest.mark.parametrize(("name", "column"), [("runocc", "%QUEUED"), ("runqlen", "AVG(1/100)")])
def test_a_queue(name: str, column: str) -> None:
    """Two threads for one CPU: one of them waits nearly always."""
    found = recipe(name, python=SPINNERS)
    row = found.row(CPU=found.told[0][1])
    if name == "runocc":
        assert 40 <= int(row[column]) <= int(row["%BUSY"]) <= 100
    else:
        assert 130 <= int(row[column]) <= 100 * int(row["MAX"])
        assert int(row["SAMPLES"]) >= 30


def test_an_interval() -> None:
    """A table each second, and at the end what came after the last one."""
    found = recipe("runqlen", 1, python="time.sleep(1.5)\n")
    headings = [words for words in found.words if words[0] == "CPU"]
    samples = [int(row["SAMPLES"]) for row in found.rows(CPU=0)]
    assert len(headings) == len(samples) >= 2
    assert all(80 <= count <= 115 for count in samples[:-1])


def test_a_number_of_seconds() -> None:
    """It ends by itself then, and the command with it."""
    started = time.monotonic()
    found = recipe("cpuwalk", 1, sh="exec sleep 50")
    assert 1 <= time.monotonic() - started < 40
    assert found.lines[0] == "Sampling... Ctrl-C ends."


def test_the_whole_machine_until_ctrl_c() -> None:
    found = interrupted("runocc", 1, until=r"(?s)%QUEUED.*%QUEUED")
    busy = [row["%BUSY"] for row in found.rows(CPU=0)]
    assert len(busy) >= 2 and all(0 <= int(share) <= 100 for share in busy)


def test_dispqlen() -> None:
    found = recipe("dispqlen", python=SPINNERS)
    counts = pictures(found)[f"CPU {found.told[0][1]}, threads that wait:"]
    waiting = sum(count for value, count in counts.items() if value not in ("0", "< 0"))
    assert waiting >= 0.4 * sum(counts.values()) > 100, counts
    assert "< 0" not in counts


def test_threaded() -> None:
    """All of the work is one thread's, which is not the first."""
    found = recipe("threaded", python=THREADS)
    [[pid, tid, used]] = found.told
    rows = found.rows(PID=pid)
    worker = found.row(PID=pid, TID=tid)
    assert pid != tid
    assert near(int(worker["SAMPLES"]), int(used) * 97 / 1e9), (worker, used)
    assert sum(int(row["SAMPLES"]) for row in rows) <= int(worker["SAMPLES"]) + 5


def test_hotkernel() -> None:
    """Random bytes are made by one function; each function has one line."""
    found = recipe("hotkernel", sh="head -c 15000000 /dev/urandom >/dev/null")
    counted = [line.rsplit(None, 1) for line in found.lines if line[-1].isdigit()]
    rows = [row for row in counted if row[0] != "in all"]
    names = [name for name, _ in rows]
    assert len(set(names)) == len(names)
    made = sum(int(count) for name, count in rows if "chacha" in name)
    [whole] = [int(line.split()[-1]) for line in found.lines if line.startswith("in all")]
    assert whole == sum(int(count) for _, count in rows)
    assert made >= 20, found.stdout


def test_hotuser(tmp_path: Path) -> None:
    source, program = tmp_path / "hot.c", tmp_path / "hot"
    source.write_text(HOT)
    subprocess.run(["gcc", "-O1", "-o", program, source], check=True)
    found = recipe("hotuser", command_line=os.fspath(program))
    [used] = [int(line.split()[-1]) for line in found.lines if line.startswith("used")]
    rows = [line.rsplit(None, 1) for line in found.lines if line[-1].isdigit()]
    counts = {name: int(count) for name, count in rows}
    assert near(counts["in all"], used * 997 / 1e6), (counts, used)
    assert counts["hot`work"] >= 0.5 * counts["in all"]
    assert sum(count for name, count in counts.items() if "`" in name) <= counts["in all"]
