"""Debug information: BTF the kernel takes, and D lines in the verifier's log."""

import re

import pytest

from dscript.object.codegen import emit_assembly
from dscript.object.ir import Function, Module, Value, const

from .harness import Loaded, Rejected, program

SOURCE = """syscall:::entry
/pid == $target/
{
\t@["a \\"quoted\\" string"] = count(); /* ünïcödé \\ */
\ttrace(arg0);
}
"""


def test_accepted_program_shows_source_lines() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        sub = m.function("clause", [("ctx", "ptr"), ("probe", "i64")], line=1)
        sub.location(4, 2)
        sub.store(sub.ctx_load(sub.params[0], 0), state)
        sub.location(5, 2)
        sub.store(sub.params[1], sub.gep(state, 8))
        sub.ret(0)
        f.location(2, 1)
        f.call(sub, [f.params[0], f.ctx_load(f.params[0], 8)])

    with Loaded(program(body, source=SOURCE, section="raw_tp/sys_enter")) as loaded:
        assert loaded.has_btf
        assert not loaded.warnings
        shown = re.findall(r"^; (.*?)(?: @ test\.d:(\d+))?$", loaded.log, re.MULTILINE)
    lines = SOURCE.splitlines()
    texts = [text for text, _ in shown]
    for number in (2, 4, 5):
        assert any(lines[number - 1].strip() == text.strip() for text in texts), (number, texts)
    # The number is in the log since Linux 6.10.
    assert all(lines[int(n) - 1].strip() == text.strip() for text, n in shown if n)


def test_rejected_program_names_its_line() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        f.location(1, 1)
        f.store(const(1), state)
        f.location(5, 2)
        f.store(f.load("i64", f.to_ptr(f.ctx_load(f.params[0], 0))), state)

    with pytest.raises(Rejected) as caught:
        Loaded(program(body, source=SOURCE, section="raw_tp/sys_enter"))
    sources = re.findall(r"^; (.*)$", str(caught.value), re.MULTILINE)
    assert sources[-1].strip().startswith("trace(arg0);")
    assert "invalid mem access" in str(caught.value)


def test_columns_and_lines_out_of_range_do_not_spill() -> None:
    """BTF keeps 10 bits of column beside the line."""

    def body(m: Module, f: Function, state: Value) -> None:
        f.location(1, 5000)
        f.store(const(1), state)
        f.location(0, 0)
        f.store(const(2), state)

    with Loaded(program(body, source="a" * 6000 + "\nsecond\n")) as loaded:
        assert loaded.has_btf
        assert "second" not in loaded.log


def test_locations_are_shared() -> None:
    module = Module("test.d", "a\n")
    f = module.function("prog", [("ctx", "ptr")], "i32", section="syscall")
    for _ in range(50):
        f.location(1, 1)
        f.op("add", 1, 2)
    f.ret(0)
    assert module.text().count("!DILocation(line: 1, column: 1,") == 1


@pytest.mark.parametrize("name", ["<command line>", 'odd "name"\\.d', "π.d", "/a/b c.d"])
def test_any_source_name(name: str) -> None:
    module = Module(name, "x\n")
    f = module.function("prog", [("ctx", "ptr")], "i32", section="syscall")
    f.ret(7)
    with Loaded(module) as loaded:
        assert loaded.has_btf
        assert loaded.run() == 7


def test_assembly_names_functions() -> None:
    def body(m: Module, f: Function, state: Value) -> None:
        f.ret(0)

    text = emit_assembly(program(body).text())
    assert re.search(r"^prog:$", text, re.MULTILINE)
    assert re.search(r"^\s+exit$", text, re.MULTILINE)
