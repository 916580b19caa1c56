"""Memory: areas of every size, constants, load-time words, atomics."""

import struct

import pytest

from dscript.object.helpers import Helper, MapType
from dscript.object.ir import Function, Module, Value, const

from .harness import Loaded, program

SIZES = [1, 7, 8, 9, 24, 64, 65, 100, 128, 256, 1000, 1024, 1025, 2048, 4096, 4104, 9999]


@pytest.mark.parametrize("align", [1, 4, 8])
def test_fill(align: int) -> None:
    sizes = [n for n in SIZES if n <= 1025 * align]

    def body(m: Module, f: Function, state: Value) -> None:
        offset = 0
        for size in sizes:
            f.memset(f.gep(state, offset), size, 0xA5, align=align)
            offset += size + 8 + -size % 8

    expected = b"".join(b"\xa5" * n + bytes(8 + -n % 8) for n in sizes)
    with Loaded(program(body, state=len(expected))) as loaded:
        loaded.run()
        assert loaded.state(len(expected)) == expected


@pytest.mark.parametrize("align", [1, 4, 8])
def test_copy(align: int) -> None:
    sizes = [n for n in SIZES if n <= 1025 * align]
    source = bytes(i * 7 % 251 for i in range(max(sizes)))

    def body(m: Module, f: Function, state: Value) -> None:
        table = m.data(source)
        offset = 0
        for size in sizes:
            f.memcpy(f.gep(state, offset), table, size, align=align)
            offset += size + 8 + -size % 8

    expected = b"".join(source[:n] + bytes(8 + -n % 8) for n in sizes)
    with Loaded(program(body, state=len(expected))) as loaded:
        loaded.run()
        assert loaded.state(len(expected)) == expected


def test_neighbouring_fills_do_not_grow_too_large() -> None:
    """LLVM joins adjacent memsets; 40 of 64 bytes would be a call to libc's memset."""

    def body(m: Module, f: Function, state: Value) -> None:
        for n in range(40):
            f.memset(f.gep(state, 64 * n), 64, 1)
        for n in range(40, 60):
            f.memset(f.gep(state, 64 * n), 64)
        f.memset(f.gep(state, 64 * 60), 800)
        f.memset(f.gep(state, 64 * 60 + 800), 800)

    size = 64 * 60 + 1600
    with Loaded(program(body, state=size)) as loaded:
        loaded.update(".bss", bytes(4), b"\xff" * size)
        loaded.run()
        assert loaded.state(size) == b"\1" * 2560 + bytes(size - 2560)


def test_stack_slots_wherever_they_are_asked_for() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        with f.loop(10) as i:
            slot = f.alloca(16)
            f.store(i, slot)
            f.memcpy(f.gep(slot, 8), slot, 8)
            f.fence()
            f.store(f.op("add", f.load("i64", state), f.load("i64", f.gep(slot, 8))), state)

    with Loaded(program(body, state=8)) as loaded:
        loaded.run()
        assert struct.unpack("<Q", loaded.state(8)) == (45,)


def test_scratch_is_used_again() -> None:
    """40 keys of 64 bytes, one after the other, on a stack of 512 bytes."""

    def body(m: Module, f: Function, state: Value) -> None:
        for n in range(40):
            with f.scratch(64) as slot:
                f.memset(slot, 64)
                f.helper(Helper.GET_CURRENT_COMM, [slot, const(16)])
                f.store(f.load("i64", slot), f.gep(state, 8 * n))

    with Loaded(program(body, state=320)) as loaded, open("/proc/self/comm", "rb") as comm:
        loaded.run()
        assert loaded.state(320) == comm.read().strip().ljust(8, b"\0")[:8] * 40


def test_load_words_come_first_and_are_not_folded() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        m.string(b"first, but behind the words")
        words = m.load_words(3)
        for n in range(3):
            f.store(f.load("i64", f.gep(words, 8 * n)), f.gep(state, 8 * n))

    words = struct.pack("<QQQ", 1234, 2**64 - 1, 77)
    with Loaded(program(body, state=24), words=words) as loaded:
        loaded.run()
        assert loaded.state(24) == words


def test_strings_are_shared() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        hello = m.string(b'he"l\\lo\0\xff')
        assert m.string(b'he"l\\lo\0\xff') == hello
        assert m.string(b"other") != hello
        f.memcpy(state, hello, 10, align=1)

    with Loaded(program(body, state=16)) as loaded:
        loaded.run()
        assert loaded.state(16) == b'he"l\\lo\0\xff\0'.ljust(16, b"\0")


def test_table_indexed_at_run_time() -> None:
    table = struct.pack("<64Q", *(n * n * n for n in range(64)))

    def body(m: Module, f: Function, state: Value) -> None:
        index = f.op("and", f.ctx_load(f.params[0], 0), 63)
        address = f.gep(m.data(table), f.op("mul", index, 8))
        f.store(f.load("i64", address), state)

    with Loaded(program(body, state=8)) as loaded:
        for n in (0, 1, 17, 63):
            loaded.run(context=struct.pack("<Q", n))
            assert struct.unpack("<Q", loaded.state(8)) == (n**3,)


def test_atomics() -> None:
    steps = [("add", 5), ("sub", 2), ("or", 0x70), ("and", 0x3F), ("xor", 0xFF), ("xchg", 42)]

    def body(m: Module, f: Function, state: Value) -> None:
        for n, (op, operand) in enumerate(steps, 1):
            f.store(f.atomic(op, state, const(operand)), f.gep(state, 8 * n))
        f.atomic("add", state, const(1))  # result unused: the plain locked add
        f.store(f.cmpxchg(state, const(43), const(7)), f.gep(state, 56))
        f.store(f.cmpxchg(state, const(43), const(8)), f.gep(state, 64))

    with Loaded(program(body, state=72)) as loaded:
        loaded.run()
        got = struct.unpack("<9Q", loaded.state(72))
    value, olds = 0, []
    for op, operand in steps:
        olds.append(value)
        value = {
            "add": value + operand,
            "sub": value - operand,
            "or": value | operand,
            "and": value & operand,
            "xor": value ^ operand,
            "xchg": operand,
        }[op]
    assert got == (7, *olds, 43, 7)


def test_atomic_that_bpf_lacks() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        f.atomic("umax", state, const(1))

    with pytest.raises(ValueError, match="umax"):
        program(body)


def test_current_comm_on_the_stack() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        comm = f.alloca(16)
        f.helper(Helper.GET_CURRENT_COMM, [comm, const(16)])
        f.memcpy(state, comm, 16)

    with Loaded(program(body, state=16)) as loaded, open("/proc/self/comm", "rb") as comm:
        loaded.run()
        assert loaded.state(16).rstrip(b"\0") == comm.read().strip()


def test_large_map_values() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        scratch = m.map("scratch", MapType.PERCPU_ARRAY, 4, 32768, 1)
        key = f.alloca(4, 4)
        f.store(const(0, "i32"), key)
        value = f.helper(Helper.MAP_LOOKUP_ELEM, [scratch, key], "ptr")
        found, out = f.block(), f.block()
        f.cbr(f.icmp("ne", value, 0), found, out)
        f.at(found)
        f.memset(value, 32768, 3)
        f.store(f.load("i64", f.gep(value, 32760)), state)
        f.br(out)
        f.at(out)

    with Loaded(program(body, state=8)) as loaded:
        loaded.run()
        assert loaded.state(8) == b"\3" * 8
