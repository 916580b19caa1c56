"""--help, dscript(1) and the lexer against what they describe."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pygments import highlight
from pygments.formatters import NullFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Error, Keyword, Name, Operator, String, _TokenType

from dscript import arguments
from dscript.builtins.variables import BUILTIN_VARIABLES
from dscript.manual import manpage
from dscript.manual.switches import spellings, switches
from dscript.options import OPTIONS
from tests.command import DSCRIPT
from tests.language.casefile import read_cases

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/dscript.1"


def test_every_switch_is_described_and_exists() -> None:
    letters = {
        f"-{letter}"
        for letter in (*arguments._WITH_VALUE, *arguments._FLAGS, *arguments._MODES, "h", "G")
    }
    words = {f"--{word}" for word in (*arguments._LONG_FLAGS, *arguments._LONG_VALUES)}
    described = {name for switch in switches() for name in spellings(switch)}
    assert described == (letters | words) - {"--candidates"}  # for the completion scripts alone


def test_values_are_taken_where_they_are_shown() -> None:
    for switch in switches():
        for name in spellings(switch):
            letter = name.lstrip("-")
            takes = letter in arguments._WITH_VALUE or letter in arguments._LONG_VALUES
            assert takes == bool(switch.value), name


def test_help_shows_every_switch() -> None:
    done = subprocess.run([DSCRIPT, "--help"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Usage: dscript ")
    for switch in switches():
        assert any(line.startswith(f"  {switch.name} ") for line in lines), switch.name
    assert max(map(len, lines)) <= 100


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == manpage.page(), "python -m dscript.manual.manpage"


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_page_is_clean_roff_and_tells_everything() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-P-cbou", "-ww", PAGE],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "GROFF_NO_SGR": "1"},
    )
    assert done.stderr == ""
    words = done.stdout.split()
    for name in ("--flamegraph", *BUILTIN_VARIABLES, "quantize,", "syscall", "DSCRIPT_CACHE"):
        assert name in words, name
    for name, option in OPTIONS.items():
        if not option.missing:
            assert any(word.partition("=")[0] == name for word in words), name


def tokens(text: str) -> list[tuple[_TokenType, str]]:
    found = get_lexer_by_name("dscript").get_tokens(text)
    return [(kind, value) for kind, value in found if value.strip()]


def test_lexer_knows_the_parts_of_a_program() -> None:
    found = tokens(
        "/* what */\n"
        "syscall::read*:entry, tick-1s\n"
        "/pid == $target && arg2 / 2 > 1/\n"
        '{ self->start = timestamp; printf("%d", fds[arg0].fi_oflags); @a[execname] = count(); }\n'
    )
    for wanted in (
        (Comment.Multiline, "/* what */"),
        (Name.Label, "syscall::read*:entry"),
        (Name.Label, "tick-1s"),
        (Operator, "/"),
        (Name.Variable.Magic, "$target"),
        (Name.Builtin.Pseudo, "pid"),
        (Keyword, "self"),
        (Name.Variable.Instance, "start"),
        (Name.Builtin, "printf"),
        (String.Double, '"%d"'),
        (Name.Attribute, "fi_oflags"),
        (Name.Variable.Global, "@a"),
        (Name.Builtin, "count"),
    ):
        assert wanted in found, wanted


def test_lexer_takes_everything_that_compiles() -> None:
    """Programs of the language cases and of examples/: no token is an error, none is lost."""
    texts = [case.program for case in read_cases() if not case.tag and case.program[0] != ":"]
    texts += [path.read_text() for path in sorted((ROOT / "examples").glob("**/*.d"))]
    assert len(texts) > 500
    lexer = get_lexer_by_name("dscript", stripnl=False, ensurenl=False)
    for text in texts:
        assert highlight(text, lexer, NullFormatter()) == text
        wrong = [value for kind, value in lexer.get_tokens(text) if kind is Error]
        assert not wrong, (wrong, text)
