"""The command line becomes what dtrace(1M) makes of the same words."""

from __future__ import annotations

import pytest

from dscript.arguments import UsageError, parse
from dscript.errors import Diagnostic


def test_interpreter_line_bundles_options() -> None:
    line = parse(["-qs", "./top.d", "10"])
    assert line.pieces == [("s", "./top.d")]
    assert line.options == {"quiet": ""}
    assert line.arguments == ("10",)


def test_all_bundled_flags_and_value_in_same_word() -> None:
    line = parse(["-CZwqFvnBEGIN"])
    assert line.pieces == [("n", "BEGIN")]
    assert set(line.options) == {"cpp", "zdefs", "destructive", "quiet", "flowindent", "verbose"}


def test_pieces_keep_their_order() -> None:
    words = ["-n", "BEGIN", "-s", "a.d", "-P", "syscall", "-m", "libc", "-f", "open", "-i", "4"]
    kinds = [kind for kind, _ in parse(words).pieces]
    assert kinds == ["n", "s", "P", "m", "f", "i"]


def test_options_may_follow_arguments() -> None:
    line = parse(["-n", "BEGIN", "one", "-q", "-5", "-x", "strsize=9", "two"])
    assert line.arguments == ("one", "-5", "two")
    assert line.options == {"quiet": "", "strsize": "9"}


def test_behind_double_dash_all_are_arguments() -> None:
    line = parse(["-n", "BEGIN", "one", "--", "-q", "--emit", "-c"])
    assert line.arguments == ("one", "-q", "--emit", "-c")
    assert line.options == {}


def test_double_dash_ends_options() -> None:
    assert parse(["-n", "BEGIN", "--", "-5"]).arguments == ("-5",)


def test_targets_in_the_order_they_are_given() -> None:
    line = parse(["-c", "date", "-p", "12", "-c", "ls -l", "-p13"])
    assert line.targets == ["date", 12, "ls -l", 13]


def test_gathering_options() -> None:
    line = parse(["-DX=1", "-D", "Y", "-I/a", "-I", "/b", "-U", "Z", "-b", "8m", "-X", "s"])
    assert line.options == {
        "define": "X=1\nY",
        "incdir": "/a\n/b",
        "undef": "Z",
        "bufsize": "8m",
        "stdc": "s",
    }


@pytest.mark.parametrize("words", [["--emit", "ir"], ["--emit=ir"]])
def test_emit(words: list[str]) -> None:
    assert parse(words).emit == "ir"


def test_modes() -> None:
    line = parse(["-elSV", "-64", "--info", "-h"])
    assert line.compile_only and line.list_probes and line.disassemble and line.show_version
    assert line.show_info and line.show_help


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-z"], "illegal option -- z"),
        (["-q", "-n"], "option requires an argument -- n"),
        (["-p", "0"], "invalid process ID: 0"),
        (["-p", "1x"], "invalid process ID: 1x"),
        (["-p", "²"], "invalid process ID: ²"),
        (["--emit"], "option --emit requires an argument"),
        (["--emit", "tokens"], "--emit tokens: not one of ast ir asm object plan"),
        (["--no-such"], "unknown option --no-such"),
        (["--info=1"], "unknown option --info=1"),
    ],
)
def test_wrong_command_lines(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse(words)
    assert str(wrong.value) == message


@pytest.mark.parametrize("word", ["-a", "-A", "-32", "-qA"])
def test_what_linux_does_not_have_is_named(word: str) -> None:
    with pytest.raises(UsageError, match="is not supported"):
        parse([word])


def test_complaint_about_an_option_names_the_letter() -> None:
    with pytest.raises(Diagnostic) as wrong:
        parse(["-x", "strsiz=12"])
    assert wrong.value.message == "failed to set -x strsiz: Invalid option name"
    assert wrong.value.hint == "did you mean strsize?"
    with pytest.raises(Diagnostic, match="failed to set -b 12q: Invalid value"):
        parse(["-b", "12q"])
