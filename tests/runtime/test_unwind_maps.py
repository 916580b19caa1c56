"""The maps of unwinding, with the kernel's own maps behind them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from dscript.kernel import unwind_rows as rows
from dscript.runtime import bpf
from dscript.runtime.libbpf import Map
from dscript.runtime.unwind_maps import Lists, Range, Tables, _table_map

_MMAPABLE = 1 << 10
_NO_PREALLOC = 1


@pytest.fixture
def maps() -> Iterator[dict[str, Map]]:
    inner = _table_map(1)
    fds = {
        "spaces": bpf.map_create(bpf.MAP_TYPE_HASH, 16, 8, 4096, flags=_NO_PREALLOC),
        "ranges": bpf.map_create(bpf.MAP_TYPE_ARRAY, 4, 24, rows.MAX_RANGES, flags=_MMAPABLE),
        "files": bpf.map_create(bpf.MAP_TYPE_HASH, 24, 8, 64, flags=_NO_PREALLOC),
        "tables": bpf.map_create(bpf.MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 64, inner_fd=inner),
    }
    yield {name: Map(name, fd) for name, fd in fds.items()}
    for fd in (inner, *fds.values()):
        os.close(fd)


def listed(maps: dict[str, Map], identity: int, pid: int) -> list[Range] | None:
    """What a program finds for a process."""
    space = bpf.map_lookup(maps["spaces"].fd, struct.pack(rows.SPACE_KEY, identity, pid), 8)
    if space is None:
        return None
    first, count = struct.unpack(rows.SPACE, space)
    found = []
    for at in range(first, first + count):
        entry = bpf.map_lookup(maps["ranges"].fd, struct.pack("<I", at), 24)
        assert entry is not None
        found.append(Range(*struct.unpack(rows.RANGE, entry)))
    return found


def some(number: int, count: int = 3) -> list[Range]:
    return [Range(number + 4096 * n, number + 4096 * n + 4096, n, n) for n in range(count)]


def test_lists(maps: dict[str, Map]) -> None:
    lists = Lists(maps["spaces"], maps["ranges"])
    lists.set(10, 77, some(1 << 20))
    lists.set(11, 88, some(2 << 20, 20))
    assert listed(maps, 77, 10) == listed(maps, 77, 0) == some(1 << 20)
    assert listed(maps, 88, 11) == some(2 << 20, 20)
    assert listed(maps, 88, 10) is None
    lists.set(10, 77, some(3 << 20, 40))  # it has mapped more
    assert listed(maps, 77, 10) == listed(maps, 77, 0) == some(3 << 20, 40)
    lists.set(12, 77, some(4 << 20))  # a child of it, which has gone its own way
    assert listed(maps, 77, 12) == some(4 << 20)
    assert listed(maps, 77, 0) == some(3 << 20, 40)
    lists.ended(10, 77)
    assert listed(maps, 77, 10) is None
    assert listed(maps, 77, 0) == some(3 << 20, 40)  # other children may run yet
    lists.ended(12, 77)
    assert listed(maps, 77, 12) is None
    lists.ended(12, 77)
    assert not lists.full
    lists.close()


def test_processes_come_and_go_in_bounded_room(maps: dict[str, Map]) -> None:
    lists = Lists(maps["spaces"], maps["ranges"])
    for pid in range(1, 4001):
        lists.set(pid, 1000 + pid, some(pid << 20, 1 + pid % 30))
        assert listed(maps, 1000 + pid, pid) == some(pid << 20, 1 + pid % 30)
        if pid > 50:
            lists.ended(pid - 50, 1000 + pid - 50)
    assert not lists.full
    for pid in range(4001 - 50, 4001):
        assert listed(maps, 1000 + pid, pid) == some(pid << 20, 1 + pid % 30)
    assert listed(maps, 1001, 0) is None
    lists.close()


def test_no_room_for_a_list(maps: dict[str, Map]) -> None:
    lists = Lists(maps["spaces"], maps["ranges"])
    lists.set(1, 5, some(1 << 20, 1 << rows.RANGE_STEPS))
    assert lists.full
    assert listed(maps, 5, 1) is None
    lists.close()


def test_tables(maps: dict[str, Map]) -> None:
    tables = Tables(maps["tables"], maps["files"], b"")
    table = struct.pack("<3Q", 2, rows.row(0, rows.Rule.STACK, 8), rows.row(9, rows.Rule.END))
    assert tables.add(struct.pack("<Q", 0)) == 0  # nothing in it
    number = tables.add(table)
    assert number == rows.VDSO_TABLE + 1
    assert bpf.map_lookup(maps["tables"].fd, struct.pack("<I", number), 4) is None
    tables.publish()
    assert bpf.map_lookup(maps["tables"].fd, struct.pack("<I", number), 4) is not None
    tables.name_file((123, 456, 789), number)
    key = struct.pack(rows.FILE_KEY, 123, 456, 789)
    assert bpf.map_lookup(maps["files"].fd, key, 8) == struct.pack("<Q", number)
    assert not tables.full
    for inode in range(100):  # the map holds 64
        tables.name_file((inode, 1, 2), number)
    assert tables.full
