"""The saved parser, and that lexer and grammar name the same tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dscript import resources
from dscript.source import Source
from dscript.syntax import tables
from dscript.syntax.builder import Builder
from dscript.syntax.lexer import Lexer
from dscript.syntax.parser import parse
from dscript.syntax.printer import print_program
from dscript.syntax.tokens import KEYWORDS, OPERATORS

_PROGRAM = "BEGIN /x/ { @a[1] = count(); y = (foo_t)z ? 1 : 2; }\nint q[4];\n"
_SCRIPT = f"""
from dscript.source import Source
from dscript.syntax.parser import parse
from dscript.syntax.printer import print_program
print(print_program(parse(Source("x", {_PROGRAM!r}))), end="")
"""


def run(cache: Path) -> str:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def expected() -> str:
    return print_program(parse(Source("x", _PROGRAM)))


def saved_files(cache: Path) -> list[Path]:
    return sorted((cache / "dscript").glob("parser-*"))


def test_the_parser_is_saved_and_used_again(tmp_path: Path, expected: str) -> None:
    assert run(tmp_path) == expected
    (saved,) = saved_files(tmp_path)
    before = saved.stat()
    assert before.st_mode & 0o777 == 0o600
    assert run(tmp_path) == expected
    assert saved.stat().st_ino == before.st_ino


def test_a_damaged_one_is_replaced(tmp_path: Path, expected: str) -> None:
    run(tmp_path)
    (saved,) = saved_files(tmp_path)
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) // 2])
    assert run(tmp_path) == expected
    assert saved_files(tmp_path)[0].stat().st_size > 0.9 * len(whole)


def test_one_that_others_can_write_is_not_read(tmp_path: Path, expected: str) -> None:
    run(tmp_path)
    (saved,) = saved_files(tmp_path)
    saved.write_bytes(b"cos\nsystem\n(S'exit 3'\ntR.")  # a pickle that would run a command
    saved.chmod(0o666)
    assert run(tmp_path) == expected


def test_no_cache_directory_is_no_obstacle(tmp_path: Path, expected: str) -> None:
    (tmp_path / "dscript").write_text("a file where the directory should be")
    assert run(tmp_path) == expected


def test_a_loaded_parser_equals_a_built_one() -> None:
    grammar = resources.grammar_file().read_text()
    built = tables.build(grammar)
    loaded = tables.load(tables.save(built), Builder())
    lexer = Lexer(Source("x", _PROGRAM))
    program = loaded.parse(lexer.tokens())  # type: ignore[arg-type]
    assert str(program) == str(parse(Source("x", _PROGRAM)))


def test_tokens_are_terminals_of_the_grammar() -> None:
    parser = tables.build(resources.grammar_file().read_text())
    terminals = {terminal.name: terminal.pattern for terminal in parser.terminals}
    produced = {*OPERATORS.values(), *KEYWORDS.values()} - {"FORBIDDEN"}
    declared = {
        "DESCRIPTION", "PREDICATE_OPEN", "PREDICATE_CLOSE", "BODY_OPEN", "BODY_CLOSE", "DIRECTIVE",
        "IDENT", "TYPE_NAME", "TYPE_WORD", "QUALIFIER", "EXTERNAL", "INTEGER", "FLOAT", "CHARACTER",
        "STRING", "MACRO", "AGGREGATION", "ASSIGN_OP",
    }  # fmt: skip
    assert produced <= set(terminals) | declared
    for text, name in OPERATORS.items():
        if name not in declared:
            assert terminals[name].value == text


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    import lark

    with caplog.at_level("DEBUG", logger=lark.logger.name):
        lark.Lark(
            resources.grammar_file().read_text(),
            parser="lalr",
            lexer=tables.TokenStream,
            start="program",
            keep_all_tokens=True,
            debug=True,
        )
    assert "conflict" not in caplog.text.lower()
