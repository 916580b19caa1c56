"""Code generation: what LLVM refuses, and that size grows time linearly."""

import os
import subprocess
import sys
import time

import pytest

from dscript.object.codegen import CodegenError, emit_object
from dscript.object.helpers import Helper, MapType
from dscript.object.ir import Function, Module, Value, const

from .harness import Loaded, program


def test_text_that_is_not_llvm() -> None:
    with pytest.raises(CodegenError, match="does not accept"):
        emit_object("define i64 @f( {")


def test_module_llvm_finds_wrong() -> None:
    with pytest.raises(CodegenError):
        emit_object("define i64 @f() {\nentry:\n  ret i32 0\n}\n")


def test_backend_error_ends_the_process_with_a_reason() -> None:
    """600 bytes of live stack: LLVM prints the reason and exits."""
    text = """
import sys
from dscript.object.ir import Module, const
from dscript.object.codegen import emit_object
m = Module("deep.d", "one\\ntwo\\n")
f = m.function("prog", [("ctx", "ptr")], "i32", section="syscall")
f.location(2, 1)
slot = f.alloca(600)
f.helper(16, [slot, const(600)])
f.ret(0)
emit_object(m.text())
"""
    result = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode != 0
    assert "stack" in result.stderr


def test_object_is_bpf_elf() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        f.ret(0)

    data = emit_object(program(body).text())
    assert data[:4] == b"\x7fELF"
    assert int.from_bytes(data[18:20], "little") == 247  # EM_BPF (elf.h)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_loads(level: int) -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        a = f.ctx_load(f.params[0], 0)
        f.store(f.op("mul", a, 3), state)

    with Loaded(program(body, state=8), level=level) as loaded:
        loaded.run(context=(14).to_bytes(8, "little"))
        assert loaded.state(8) == (42).to_bytes(8, "little")


@pytest.mark.parametrize(
    "section",
    [
        "syscall",
        "raw_tp/sys_enter",
        "tp_btf/sys_enter",
        "tp/syscalls/sys_enter_getppid",
        "perf_event",
        "kprobe/do_sys_openat2",
        "uprobe",
    ],
)
def test_program_types(section: str) -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        f.store(f.helper(Helper.GET_CURRENT_PID_TGID, []), state)

    with Loaded(program(body, section=section)) as loaded:
        assert loaded.has_btf
        if section == "syscall":
            loaded.run()
            assert int.from_bytes(loaded.state(64)[4:8], "little") == os.getpid()


def clauses(count: int) -> Module:
    module = Module("many.d", "@a[execname] = count();\n" * count)
    map = module.map("a", MapType.PERCPU_HASH, 16, 8, 1000)
    subs = []
    for n in range(count):
        f = module.function(f"clause_{n}", [("ctx", "ptr")], line=n + 1)
        f.location(n + 1, 1)
        key = f.alloca(16)
        f.memset(key, 16)
        f.helper(Helper.GET_CURRENT_COMM, [key, const(16)])
        value = f.helper(Helper.MAP_LOOKUP_ELEM, [map, key], "ptr")
        hit, out = f.block(), f.block()
        f.cbr(f.icmp("ne", value, 0), hit, out)
        f.at(hit)
        f.atomic("add", value, const(n))
        f.br(out)
        f.at(out)
        f.ret(0)
        subs.append(f)
    for start in range(0, count, 200):
        f = module.function(f"prog_{start}", [("ctx", "ptr")], section="raw_tp/sys_enter")
        for sub in subs[start : start + 200]:
            f.call(sub, [f.params[0]])
        f.ret(0)
    return module


def test_time_is_linear_in_clauses() -> None:
    """Processor time for each clause may not grow from 100 to 1,000 clauses."""

    def cost(count: int) -> float:
        start = time.process_time()
        emit_object(clauses(count).text())
        return (time.process_time() - start) / count

    cost(10)
    assert cost(1000) < 2 * min(cost(100) for _ in range(3))


def test_building_text_is_cheap() -> None:
    start = time.process_time()
    clauses(1000).text()
    assert time.process_time() - start < 0.3


def test_builder_reports_misuse() -> None:
    module = Module("test.d", "")
    f = module.function("prog", [("ctx", "ptr")], "i32", section="syscall")
    with pytest.raises(ValueError, match="two types"):
        f.op("add", const(1), const(1, "i32"))
    with pytest.raises(ValueError, match="no sdiv"):
        f.op("sdiv", 4, 2)
    label = f.block("open")
    f.br(label)
    assert f.terminated
    with pytest.raises(ValueError, match="after the end"):
        f.op("add", 1, 2)
    f.at(label)
    with pytest.raises(ValueError, match="does not end"):
        module.text()
    with pytest.raises(ValueError, match="at most 5"):
        module.function("six", [(f"p{n}", "i64") for n in range(6)])
