"""Every event is in exactly one printed snapshot: docs/aggregations.md, proven from outside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WRITERS = 4
EVENTS = 1_000_000

PROGRAM = """
syscall::getppid:entry /ppid == $target/ { @keyed[pid] = count(); @all = count(); @s = sum(3); }
tick-100ms { printa("k %d %@d\\n", @keyed); printa("a %@d\\n", @all); printa("s %@d\\n", @s);
             clear(@keyed); clear(@all); clear(@s); }
END        { printa("k %d %@d\\n", @keyed); printa("a %@d\\n", @all); printa("s %@d\\n", @s); }
"""


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("writers") / "dswriters"
    subprocess.run(["gcc", "-O2", "-o", program, HERE / "writers.c"], check=True)
    return program


def dscript(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dscript", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def reported_losses(errors: str) -> int:
    """Firings that dscript says it missed or dropped, those of other processes among them."""
    found = re.findall(r"(\d+) (?:aggregation drop|nested probe firing|drop)", errors)
    return sum(map(int, found))


def test_a_million_events_add_up_exactly(writers: Path) -> None:
    each = EVENTS // WRITERS
    command = f"{writers} {WRITERS} {each}"
    done = dscript("-qn", PROGRAM, "-c", command)
    assert done.returncode == 0, done.stderr
    keyed: dict[str, int] = {}
    for pid, count in re.findall(r"^k (\d+) (\d+)$", done.stdout, re.MULTILINE):
        keyed[pid] = keyed.get(pid, 0) + int(count)
    snapshots = [int(n) for n in re.findall(r"^a (\d+)$", done.stdout, re.MULTILINE)]
    sums = [int(n) for n in re.findall(r"^s (\d+)$", done.stdout, re.MULTILINE)]
    assert len(snapshots) >= 3, "the writers ended before a few snapshots were taken"
    counted = sum(snapshots)
    assert EVENTS - reported_losses(done.stderr) <= counted <= EVENTS
    assert sum(sums) == 3 * counted
    assert sum(keyed.values()) == counted
    assert len(keyed) == WRITERS
    if counted == EVENTS:
        assert set(keyed.values()) == {each}


def test_more_keys_than_any_map_holds(writers: Path) -> None:
    """Keys are bounded by memory: the maps are drained before they fill."""
    program = (
        "syscall::getppid:entry /ppid == $target/ { @[n++] = count(); }"
        ' END { printa("%@d\\n", @); }'
    )
    count = 200_000
    command = f"{writers} 1 {count}"
    done = dscript("-qn", program, "-x", "aggsize=1m", "-c", command)
    assert done.returncode == 0, done.stderr
    values = [int(line) for line in done.stdout.split()]
    assert count - reported_losses(done.stderr) <= sum(values) <= count
    assert max(values) == 1
    assert len(values) > 20_000  # far more than 1 MiB of map entries
