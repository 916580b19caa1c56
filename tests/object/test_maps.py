"""Maps of every type in use, read back through the kernel."""

import os
import struct

import pytest

from dscript.object.helpers import (
    LOCAL_STORAGE_GET_F_CREATE,
    Helper,
    MapType,
)
from dscript.object.ir import NULL, Function, Module, Value, const

from .harness import Loaded, Rejected, program

CPUS = os.sysconf("SC_NPROCESSORS_CONF")


def count(m: Module, f: Function, map: Value, key: Value) -> None:
    """`map[key]++` by update, then by adding in place."""
    hit, miss, out = f.block("hit"), f.block("miss"), f.block("out")
    value = f.helper(Helper.MAP_LOOKUP_ELEM, [map, key], "ptr")
    f.cbr(f.icmp("ne", value, 0), hit, miss)
    f.at(hit)
    f.store(f.op("add", f.load("i64", value), 1), value)
    f.br(out)
    f.at(miss)
    one = f.alloca(8)
    f.store(const(1), one)
    f.helper(Helper.MAP_UPDATE_ELEM, [map, key, one, const(0)])
    f.br(out)
    f.at(out)


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("map_type", "key_size"),
    [
        (MapType.HASH, 8),
        (MapType.HASH, 4),
        (MapType.HASH, 40),
        (MapType.HASH, 13),
        (MapType.LRU_HASH, 8),
        (MapType.PERCPU_HASH, 24),
        (MapType.LRU_PERCPU_HASH, 8),
        (MapType.ARRAY, 4),
        (MapType.PERCPU_ARRAY, 4),
    ],
)
def test_counting(map_type: MapType, key_size: int, typed: bool) -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        map = m.map("counts", map_type, key_size, 8, 100, key_btf=typed)
        key = f.alloca(40)
        f.memset(key, 40)
        f.store(f.trunc(f.ctx_load(f.params[0], 0), "i32"), key)
        count(m, f, map, key)

    percpu = map_type in (MapType.PERCPU_HASH, MapType.LRU_PERCPU_HASH, MapType.PERCPU_ARRAY)
    size = 8 * CPUS if percpu else 8
    with Loaded(program(body)) as loaded:
        for _ in range(5):
            loaded.run(context=struct.pack("<Q", 3))
        loaded.run(context=struct.pack("<Q", 4))
        for number, expected in ((3, 5), (4, 1)):
            value = loaded.lookup("counts", struct.pack("<I", number).ljust(key_size, b"\0"), size)
            assert value is not None
            assert sum(struct.unpack(f"<{size // 8}Q", value)) == expected
        assert loaded.has_btf
        assert not loaded.warnings


def test_ring_buffer() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        ring = m.map("records", MapType.RINGBUF, 0, 0, 4096)
        record = f.helper(Helper.RINGBUF_RESERVE, [ring, const(24), const(0)], "ptr")
        got, full = f.block("got"), f.block("full")
        f.cbr(f.icmp("ne", record, 0), got, full)
        f.at(got)
        f.memset(record, 24)
        f.store(f.ctx_load(f.params[0], 0), record)
        f.store(const(7, "i32"), f.gep(record, 16))
        f.helper(Helper.RINGBUF_SUBMIT, [record, const(0)], "void")
        f.ret(1)
        f.at(full)
        f.ret(0)

    with Loaded(program(body)) as loaded:
        for n in (5, 6):
            assert loaded.run(context=struct.pack("<Q", n)) == 1
        assert loaded.records("records") == [struct.pack("<QQII", n, 0, 7, 0) for n in (5, 6)]
        assert sum(loaded.run(context=bytes(8)) for _ in range(1000)) == 4096 // 32 - 1


def test_task_storage() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        storage = m.map("self", MapType.TASK_STORAGE, 4, 16, 0)
        task = f.helper(Helper.GET_CURRENT_TASK_BTF, [], "ptr")
        value = f.helper(
            Helper.TASK_STORAGE_GET,
            [storage, task, NULL, const(LOCAL_STORAGE_GET_F_CREATE)],
            "ptr",
        )
        found, out = f.block("found"), f.block("out")
        f.cbr(f.icmp("ne", value, 0), found, out)
        f.at(found)
        f.store(f.op("add", f.load("i64", f.gep(value, 8)), 3), f.gep(value, 8))
        f.store(f.load("i64", f.gep(value, 8)), state)
        f.br(out)
        f.at(out)

    with Loaded(program(body, state=8, section="raw_tp/sys_enter")) as loaded:
        loaded.run(context=bytes(16))
        loaded.run(context=bytes(16))
        assert struct.unpack("<Q", loaded.state(8)) == (6,)


def test_names_and_duplicates() -> None:
    module = Module("test.d", "")
    module.map("counts", MapType.HASH, 8, 8, 1)
    with pytest.raises(ValueError, match="counts"):
        module.map("counts", MapType.HASH, 8, 8, 1)
    with pytest.raises(ValueError, match="not a name"):
        module.map("a b", MapType.HASH, 8, 8, 1)


def test_map_the_kernel_refuses() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        map = m.map("big", MapType.PERCPU_ARRAY, 4, 33 * 1024, 1)
        key = f.alloca(4, 4)
        f.store(const(0, "i32"), key)
        f.helper(Helper.MAP_LOOKUP_ELEM, [map, key], "ptr")

    with pytest.raises(Rejected, match="big"):
        Loaded(program(body))
