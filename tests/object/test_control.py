"""Branches, loops, switches and calls between functions."""

import struct

import pytest

from dscript.object.helpers import Helper
from dscript.object.ir import Function, Module, Value, const

from .harness import Loaded, program


def word(f: Function, index: int) -> Value:
    return f.ctx_load(f.params[0], 8 * index)


def test_loop_counts_and_breaks() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        limit = f.op("and", word(f, 0), 1023)
        stop = word(f, 1)
        with f.loop(limit) as i:
            f.break_if(f.icmp("eq", i, stop))
            skip, work = f.block("skip"), f.block("work")
            f.cbr(f.icmp("eq", f.op("urem", i, 3), 0), f.continue_label, work)
            f.at(work)
            f.store(f.op("add", f.load("i64", state), i), state)
            f.br(skip)
            f.at(skip)

    with Loaded(program(body, state=8)) as loaded:
        expected = 0
        for limit, stop in ((0, 5), (1, 1), (10, 99), (1000, 500)):
            loaded.run(context=struct.pack("<QQ", limit, stop))
            expected += sum(i for i in range(min(limit, stop)) if i % 3)
            assert struct.unpack("<Q", loaded.state(8)) == (expected,)


def test_nested_constant_loops() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        with f.loop(20) as i, f.loop(30) as j:
            f.store(f.op("add", f.load("i64", state), f.op("mul", i, j)), state)

    with Loaded(program(body, state=8)) as loaded:
        loaded.run()
        assert struct.unpack("<Q", loaded.state(8)) == (sum(range(20)) * sum(range(30)),)


def test_switch_of_400_cases() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        default, out = f.block("default"), f.block("out")
        labels = [f.block(f"case{n}") for n in range(400)]
        f.switch(word(f, 0), default, {3 * n: label for n, label in enumerate(labels)})
        for n, label in enumerate(labels):
            f.at(label)
            f.store(const(n * n + 17), state)
            f.br(out)
        f.at(default)
        f.store(const(-1), state)
        f.br(out)
        f.at(out)

    with Loaded(program(body, state=8)) as loaded:
        for n in (0, 1, 3, 600, 1197, 1200, 2**40):
            loaded.run(context=struct.pack("<Q", n))
            expected = (n // 3) ** 2 + 17 if n % 3 == 0 and n < 1200 else 2**64 - 1
            assert struct.unpack("<Q", loaded.state(8)) == (expected,)


def test_phi() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        then, other, out = f.block(), f.block(), f.block()
        f.cbr(f.icmp("ugt", word(f, 0), 10), then, other)
        f.at(then)
        big = f.op("mul", word(f, 0), 2)
        f.br(out)
        f.at(other)
        f.br(out)
        f.at(out)
        f.store(f.phi("i64", [(big, then), (const(99), other)]), state)

    with Loaded(program(body, state=8)) as loaded:
        for value, expected in ((11, 22), (10, 99)):
            loaded.run(context=struct.pack("<Q", value))
            assert struct.unpack("<Q", loaded.state(8)) == (expected,)


@pytest.mark.parametrize("section", ["raw_tp/sys_enter", "perf_event", "kprobe", "uprobe"])
def test_two_context_loads_that_meet(section: str) -> None:
    """A choice between two context words must not become arithmetic on the context."""

    def body(m: Module, f: Function, state: Value) -> None:
        low, high, out = f.block(), f.block(), f.block()
        f.cbr(f.icmp("ugt", f.helper(Helper.GET_PRANDOM_U32, []), 5), low, high)
        f.at(low)
        a = f.ctx_load(f.params[0], 0)
        f.br(out)
        f.at(high)
        b = f.ctx_load(f.params[0], 8)
        f.br(out)
        f.at(out)
        f.store(f.phi("i64", [(a, low), (b, high)]), state)

    with Loaded(program(body, section=section)) as loaded:
        assert loaded.has_btf


def test_200_subprograms_run_in_order() -> None:
    module = Module("test.d", "x\n" * 200)
    state = module.bss("state", 8)
    clauses = []
    for n in range(200):
        clause = module.function(f"clause_{n}", [("ctx", "ptr"), ("n", "i64")], line=n + 1)
        clause.location(n + 1, 1)
        old = clause.load("i64", state)
        new = clause.op("add", clause.op("mul", old, 31), clause.op("add", clause.params[1], n))
        clause.store(new, state)
        clause.ret(new)
        clauses.append(clause)
    f = module.function("prog", [("ctx", "ptr")], "i32", section="raw_tp")
    for clause in clauses:
        f.call(clause, [f.params[0], f.ctx_load(f.params[0], 0)])
    f.ret(0)
    expected = 0
    for n in range(200):
        expected = (expected * 31 + 5 + n) % 2**64
    with Loaded(module) as loaded:
        loaded.run(context=struct.pack("<Q", 5))
        assert struct.unpack("<Q", loaded.state(8)) == (expected,)
        assert loaded.has_btf
        assert not loaded.warnings


def test_callback_and_kernel_function() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        step = m.function("step", [("index", "i64"), ("data", "ptr")])
        step.store(step.op("add", step.load("i64", state), step.params[0]), state)
        step.ret(0)
        lock = m.kfunc("bpf_rcu_read_lock", [], "void")
        unlock = m.kfunc("bpf_rcu_read_unlock", [], "void")
        f.call(lock, [], "void")
        f.call(unlock, [], "void")
        f.helper(Helper.LOOP, [const(1000), step.value, Value("null", "ptr"), const(0)])

    with Loaded(program(body, state=8)) as loaded:
        loaded.run()
        assert struct.unpack("<Q", loaded.state(8)) == (sum(range(1000)),)
