"""Many addresses and many processes: how long names take, and what is kept of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dscript.symbols.mappings import Mapping, Spaces, read_mappings
from dscript.symbols.symbolizer import Symbolizer
from dscript.symbols.user import UserSymbols

_PROCESSES, _EACH = 10, 1000


@contextmanager
def _running(count: int) -> Iterator[list[int]]:
    """Processes of a program with several libraries, until they are let go."""
    command = ["/usr/bin/gdb", "--quiet", "-nx", "-ex", "echo ready\\n"]
    if not Path(command[0]).exists():
        command = ["/bin/sh", "-c", "echo ready; read x"]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _addresses(pid: int, count: int) -> list[int]:
    """Distinct addresses, spread over all code that a process has mapped from files."""
    mapped = [m for m in read_mappings(pid) if m.path.startswith("/")]
    each = -(-count // len(mapped))
    found = [
        mapping.start + number * ((mapping.end - mapping.start) // each)
        for mapping in mapped
        for number in range(each)
    ]
    return list(dict.fromkeys(found))[:count]


def test_ten_thousand_addresses_take_less_than_a_second() -> None:
    """Processor time, since the machine may have other work."""
    with _running(_PROCESSES) as pids:
        wanted = [(pid, address) for pid in pids for address in _addresses(pid, _EACH)]
        assert len(set(wanted)) > 0.9 * _PROCESSES * _EACH
        names = Symbolizer()
        before = time.process_time()
        found = [names.user(pid, pid, address) for pid, address in wanted]
        first = time.process_time() - before
        before = time.process_time()
        again = [names.user(pid, pid, address) for pid, address in wanted]
        second = time.process_time() - before
    assert again == found
    assert all(symbol is not None and symbol.module for symbol in found)
    assert sum(1 for symbol in found if symbol is not None and symbol.name) > len(found) // 10
    print(f"{len(wanted)} addresses: {first:.3f} s, again {second:.3f} s")
    assert first < 1 and second < 0.5 * first


def test_what_is_kept_is_bounded() -> None:
    with _running(4) as pids:
        symbols = UserSymbols(processes=2, addresses=10)
        named = {pid: [symbols.lookup(pid, a) for a in _addresses(pid, 8)] for pid in pids}
        assert len(symbols._processes) == 2
        kept = sum(len(process.found) for process in symbols._processes.values())
        assert 0 < kept <= 10
        # What was forgotten is found again.
        for pid in pids:
            assert [symbols.lookup(pid, a) for a in _addresses(pid, 8)] == named[pid]


def test_lost_records_leave_doubt() -> None:
    spaces = Spaces()
    spaces.executed(7)
    spaces.mapped(7, Mapping(0x1000, 0x2000, 0, "/bin/true"))
    assert spaces.knows(7)
    spaces.missed()
    assert not spaces.knows(7) and spaces.find(7, 0x1800) is not None
    spaces.executed(8)  # what comes later is known
    assert spaces.knows(8)
