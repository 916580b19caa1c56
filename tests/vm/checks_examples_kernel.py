"""Checks in the guest: recipes that need kernel functions or the names of the kernel's variables,
and those that take other events there."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tests.vm.harness import ROOT, Outcome, check, dscript, expect


def _recipe(name: str, *words: str, timeout: float = 120) -> Outcome:
    outcome = dscript("-s", str(ROOT / f"examples/{name}.d"), *words, timeout=timeout)
    expect(outcome.status == 0, outcome)
    return outcome


@check("6.1", "6.12")
def check_examples_kernel_functions(shared: Path) -> None:
    """funccount, funclatency and stackcount of a function that the workload makes run."""
    work = f"{shared}/opens 50"
    counted = _recipe("funccount", "vfs_op*", "-c", work)
    found = re.search(r"^vfs_open +(\d+)$", counted.stdout, re.M)
    expect(found is not None and 50 <= int(found[1]) < 100, counted)
    timed = _recipe("funclatency", "vfs_open", "-c", work)
    row = re.search(r"^vfs_open +(\d+) +(\d+) +(\d+)$", timed.stdout, re.M)
    expect(row is not None, timed)
    assert row is not None
    calls, average, longest = map(int, row.groups())
    expect(50 <= calls < 100 and 0 < average <= longest, timed)
    buckets = re.findall(r"\| *@* +(\d+) *$", timed.stdout, re.M)
    expect(sum(map(int, buckets)) == calls, timed)
    stacks = _recipe("stackcount", "vfs_open", "-c", work)
    numbers = [int(n) for n in re.findall(r"^ +(\d+)$", stacks.stdout, re.M)]
    whole = re.search(r"^in all (\d+)$", stacks.stdout, re.M)
    expect(whole is not None and int(whole[1]) == sum(numbers) >= 50, stacks)
    expect(max(numbers) >= 50 and "path_openat" in stacks.stdout, stacks)


@check("6.1")
def check_examples_kernel_flow(shared: Path) -> None:
    """fbtflow: what is called within a function is indented below it."""
    work = "cmp -s /etc/passwd /etc/group"  # says nothing: its output would be among the lines
    outcome = _recipe("fbtflow", "vfs_read", "vfs_[i-r]*", "-c", work)
    lines = [line[3:] for line in outcome.stdout.splitlines()]
    inner = [line for line in lines if re.match(r"    -> vfs_\w+_read ", line)]
    expect(any(re.match(r"  -> vfs_read +\d+$", line) for line in lines), outcome)
    expect(bool(inner), outcome)
    depth = 0
    for line in lines:
        if re.match(r" *-> ", line):
            depth += 1
        elif re.match(r" *<- ", line):
            depth -= 1
        expect(depth >= 0, outcome)
    expect(depth == 0, outcome)


@check("6.1", "6.12")
def check_examples_kernel_loads(shared: Path) -> None:
    """The averages of the kernel's variable are those of /proc/loadavg."""
    outcome = _recipe("loads")
    found = re.search(r"load averages: ([\d.]+), ([\d.]+), ([\d.]+)$", outcome.stdout, re.M)
    expect(found is not None, outcome)
    assert found is not None
    expected = os.getloadavg()
    for text, value in zip(found.groups(), expected, strict=True):
        expect(abs(float(text) - value) <= 0.2, outcome)


@check("6.1", "6.12")
def check_examples_kernel_stacks_off_the_cpu(shared: Path) -> None:
    """The stack of a thread that comes on, here behind finish_task_switch()."""
    outcome = _recipe("offcpu", "-c", "sleep 0.2")
    blocks = re.split(r"^ +(\d+) us$", outcome.stdout, flags=re.M)
    asleep = sum(
        int(us) for text, us in zip(blocks[::2], blocks[1::2], strict=False) if "nanosleep" in text
    )
    expect(200_000 <= asleep < 3_000_000, outcome)


@check("6.1")
def check_examples_kernel_events_of_older_kernels(shared: Path) -> None:
    """Recipes whose tracepoints, arguments and structures are others on other kernels."""
    work = f"{sys.executable} -I -S {_workload(shared)}"
    objects = _recipe("slabtop", "-c", work)
    row = re.search(r"^filp +plumber +(\d+) +\d+$", objects.stdout, re.M)
    expect(row is not None and 200 <= int(row[1]) <= 230, objects)
    for name, pattern in (
        ("kmemalloc", r"alloc_pipe_info"),
        ("netdrops", r"udp\w* +0x0800 +\d+ +3$"),
        ("softirqs", r"^(timer|rcu|sched) +\d+"),
        ("timers", r"^hrtimer +\S+`hrtimer_wakeup +\d+"),
        ("workqueues", r"`\w+ +\d+ +\d+ +\d+ +\d+$"),
        ("xcalls", r"XCALLS"),
        ("runocc", r"^ +0 +\d+ +\d+$"),
        ("soclose", r"plumber +\d+ tcp +\d+ 127\.0\.0\.1 +\d+ +4 +0 "),
    ):
        outcome = _recipe(name, "-c", work)
        expect(re.search(pattern, outcome.stdout, re.M) is not None, outcome)


def _workload(shared: Path) -> Path:
    """A process that makes pipes, sleeps, sends what nobody takes, and has a connection."""
    script = shared / "plumber.py"
    script.write_text(
        "import os, socket, time\n"
        'open("/proc/self/comm", "w").write("plumber")\n'
        "pipes = [os.pipe() for _ in range(100)]\n"
        "for _ in range(20): time.sleep(0.01)\n"
        "outbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        'for _ in range(3): outbox.sendto(b"-", ("127.0.0.1", 9))\n'
        'server = socket.create_server(("127.0.0.1", 0))\n'
        "client = socket.create_connection(server.getsockname())\n"
        "peer, _ = server.accept()\n"
        'client.sendall(b"four")\n'
        "client.close()\n"
        "assert peer.recv(9) == b'four' and not peer.recv(9)\n"
        "peer.close()\n"
    )
    return script


@check("6.1")
def check_examples_kernel_module_loading(shared: Path) -> None:
    """A module that is loaded and removed, by file and by name."""
    outcome = _recipe("modload", "-c", "sh -c 'modprobe dummy && rmmod dummy'")
    loaded = r"^ +\d+ modprobe +finit_module +0 +\d+ \S*/dummy\.ko\S*$"
    expect(re.search(loaded, outcome.stdout, re.M) is not None, outcome)
    removed = r"^ +\d+ rmmod +delete_module +0 +\d+ dummy$"
    expect(re.search(removed, outcome.stdout, re.M) is not None, outcome)
