"""The Python API."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import dscript
from dscript.errors import Diagnostic, TracingError


def run(program: str, **options: object) -> tuple[int, str]:
    out = io.BytesIO()
    status = dscript.run(
        dscript.compile(program, options={"quiet": ""}, **options),  # type: ignore[arg-type]
        output=out,
    )
    return status, out.getvalue().decode()


def test_text_runs_and_gives_its_status() -> None:
    status, text = run('BEGIN { printf("%d", 6 * 7); exit(5); }')
    assert (status, text.strip()) == (5, "42")


def test_file_with_arguments(tmp_path: Path) -> None:
    script = tmp_path / "a.d"
    script.write_text('BEGIN { printf("%s-%d", $$1, $2); exit(0); }')
    program = dscript.compile(file=script, options={"quiet": ""}, arguments=("one", "2"))
    out = io.BytesIO()
    assert dscript.run(program, output=out) == 0
    assert out.getvalue().strip() == b"one-2"


def test_command_is_the_target() -> None:
    program = dscript.compile(
        "syscall::exit_group:entry /pid == $target/ { @ = count(); }",
        options={"quiet": ""},
        has_target=True,
    )
    out = io.BytesIO()
    assert dscript.run(program, commands=["true"], output=out) == 0
    assert out.getvalue().split() == [b"1"]


def test_wrong_program_is_a_diagnostic() -> None:
    with pytest.raises(Diagnostic) as wrong:
        dscript.compile("BEGIN { trace(nothing_of_that_name); }", use_cache=False)
    assert wrong.value.tag == "D_IDENT_UNDEF"
    assert wrong.value.span is not None
    assert wrong.value.span.position.line == 1


def test_wrong_option_and_wrong_call() -> None:
    with pytest.raises(Diagnostic, match="Invalid option name"):
        dscript.compile("BEGIN", options={"nosuch": ""})
    with pytest.raises(TypeError):
        dscript.compile()
    with pytest.raises(TypeError):
        dscript.compile("BEGIN", file="a.d")


def test_command_that_cannot_run() -> None:
    program = dscript.compile("BEGIN { exit(0); }")
    with pytest.raises(TracingError, match="no/such/command"):
        dscript.run(program, commands=["/no/such/command"], output=io.BytesIO())
