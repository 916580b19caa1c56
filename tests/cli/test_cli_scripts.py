"""Reading scripts, with and without the C preprocessor."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dscript.errors import TracingError
from dscript.scripts import read_script

needs_cpp = pytest.mark.skipif(shutil.which("cpp") is None, reason="cpp is not installed")


def test_plain_script(tmp_path: Path) -> None:
    path = tmp_path / "a.d"
    path.write_bytes(b'#!/usr/bin/env dscript\nBEGIN { trace("\xff"); }\n')
    source = read_script(str(path), {})
    assert source.title == str(path)
    assert source.text.encode("utf-8", "surrogateescape") == path.read_bytes()


def test_line_directives_move_positions(tmp_path: Path) -> None:
    path = tmp_path / "a.d"
    path.write_text('BEGIN\n#line 40 "made.d"\nEND\nERROR\n#line 7\ntick-1s\n')
    source = read_script(str(path), {})
    places = {
        word: (source.position(source.text.index(word)).file, at)
        for word in ("BEGIN", "END", "ERROR", "tick")
        for at in [source.position(source.text.index(word)).line]
    }
    assert places == {
        "BEGIN": (str(path), 1),
        "END": ("made.d", 40),
        "ERROR": ("made.d", 41),
        "tick": ("made.d", 7),
    }


@needs_cpp
def test_cpp_expands_and_keeps_places(tmp_path: Path) -> None:
    (tmp_path / "names.h").write_text("#define WHAT BEGIN\n")
    path = tmp_path / "a.d"
    path.write_text('#!/usr/bin/env dscript\n#include "names.h"\nWHAT\n{ trace(N); }\n')
    source = read_script(str(path), {"cpp": "", "define": "N=42"})
    position = source.position(source.text.index("BEGIN"))
    assert (position.file, position.line) == (str(path), 3)
    assert "trace(42)" in source.text


@needs_cpp
def test_cpp_errors_are_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.d"
    path.write_text('#include "no/such.h"\nBEGIN\n')
    with pytest.raises(TracingError) as wrong:
        read_script(str(path), {"cpp": ""})
    assert str(path) in wrong.value.message
    assert wrong.value.hint is not None and "no/such.h" in wrong.value.hint


def test_missing_preprocessor_and_missing_script(tmp_path: Path) -> None:
    path = tmp_path / "a.d"
    path.write_text("BEGIN\n")
    with pytest.raises(TracingError, match="cannot run /no/such/cpp"):
        read_script(str(path), {"cpp": "", "cpppath": "/no/such/cpp"})
    with pytest.raises(TracingError, match="No such file or directory"):
        read_script(str(tmp_path / "none.d"), {})
    with pytest.raises(TracingError, match="Is a directory"):
        read_script(str(tmp_path), {})
