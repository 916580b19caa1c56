"""However the compiler's process ends, the parent gets a program or one readable error."""

from __future__ import annotations

import faulthandler
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from dscript.compiler_child import compile_apart
from dscript.errors import Diagnostic, Span, TracingError
from dscript.program import CompiledProgram
from dscript.request import CompileRequest, Piece
from dscript.source import Source

PROGRAM = CompiledProgram(object=b"\x7fELF" * 100_000, probes={}, clauses=(), attachments=())
SCRIPT = Source("./a.d", "BEGIN\n{\n\ttrace(oops);\n}\n")
REQUEST = CompileRequest((Piece("s", SCRIPT),))

Compiler = Callable[[CompileRequest], CompiledProgram]
Install = Callable[[Compiler], None]


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a function in the place of the compiler, which fails in ways ours should not."""

    def install(function: Compiler) -> None:
        module = types.ModuleType("dscript.pipeline")
        module.compile_program = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "dscript.pipeline", module)

    return install


def test_program_comes_back(compiler: Install) -> None:
    compiler(lambda request: PROGRAM)
    assert compile_apart(REQUEST) == PROGRAM


def test_diagnostic_renders_as_if_raised_here(compiler: Install) -> None:
    at = SCRIPT.text.index("oops")
    wrong = Diagnostic("D_IDENT_UNDEF", "no oops", Span(SCRIPT, at, at + 4), "did you mean ops?")

    def fail(request: CompileRequest) -> CompiledProgram:
        raise wrong

    compiler(fail)
    with pytest.raises(Diagnostic) as raised:
        compile_apart(REQUEST)
    assert raised.value.render(errtags=True) == wrong.render(errtags=True)
    assert raised.value.render().splitlines() == [
        "dscript: failed to compile script ./a.d: line 3: no oops",
        "          trace(oops);",
        "                ^^^^",
        "  did you mean ops?",
    ]


def test_tracing_error_keeps_its_hint(compiler: Install) -> None:
    def fail(request: CompileRequest) -> CompiledProgram:
        raise TracingError("no BTF", "use another kernel")

    compiler(fail)
    with pytest.raises(TracingError) as raised:
        compile_apart(REQUEST)
    assert raised.value.render() == "dscript: no BTF\n  use another kernel"


def test_last_words_of_llvm_are_the_message(compiler: Install) -> None:
    def leave(request: CompileRequest) -> CompiledProgram:
        os.write(2, b"a.d:3:2: in function c0: stack limit exceeded\n")
        os._exit(1)

    compiler(leave)
    with pytest.raises(TracingError) as raised:
        compile_apart(REQUEST)
    assert raised.value.message == (
        "the compiler failed: a.d:3:2: in function c0: stack limit exceeded"
    )


def test_clause_without_enough_stack_is_named(compiler: Install) -> None:
    def leave(request: CompileRequest) -> CompiledProgram:
        os.write(2, b"error: a.d:3:2: in function c0: the BPF stack limit is exceeded\n")
        os._exit(1)

    compiler(leave)
    with pytest.raises(TracingError, match="the clause at line 3 takes more than the 512 bytes"):
        compile_apart(REQUEST)


def test_abort_is_named(compiler: Install) -> None:
    def abort(request: CompileRequest) -> CompiledProgram:
        faulthandler.disable()  # pytest's, which would print a traceback
        os.abort()

    compiler(abort)
    with pytest.raises(TracingError, match="the compiler was ended by signal 6"):
        compile_apart(REQUEST)


def test_endless_recursion_is_a_program_nested_too_deeply(compiler: Install) -> None:
    def dive(request: CompileRequest) -> CompiledProgram:
        return dive(request)

    compiler(dive)
    with pytest.raises(Diagnostic, match="nested too deeply"):
        compile_apart(REQUEST)


def test_fault_of_ours_is_one_line_and_a_file(compiler: Install, tmp_path: Path) -> None:
    def fail(request: CompileRequest) -> CompiledProgram:
        raise KeyError("lost\nsecond line")

    compiler(fail)
    with pytest.raises(TracingError) as raised:
        compile_apart(REQUEST)
    message = raised.value.render()
    assert message.startswith("dscript: internal error: KeyError")
    assert "\n" not in message
    details = Path(message.rpartition("the details are in ")[2])
    assert "Traceback" in details.read_text()
    assert details.stat().st_mode & 0o777 == 0o600
    details.unlink()
