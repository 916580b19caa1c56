"""Whatever the text, parsing ends in a tree or in a Diagnostic, and soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dscript.errors import Diagnostic
from dscript.source import Source
from dscript.syntax.parser import ClauseForm, parse_clause_options
from dscript.syntax.tokens import DECLARATION_WORDS, KEYWORDS, OPERATORS

_PIECES = [
    *sorted({*OPERATORS, *KEYWORDS, *DECLARATION_WORDS}),
    "x", "foo_t", "BEGIN", "syscall::read:entry", "tick-1s", "kprobe:f", "uprobe:/a/b:c", "probe",
    "@", "@a", "$1", "$$x", "`s", "m`s", "0", "09", "0x", "1.5", "''", "'a'", '"s"', '"', "'",
    "/*", "*/", "//", "\n", "\n#pragma D option x\n", "\n# 3 \"f\"\n",
    "#", "\\", "\0", "é", "\udcff",
]  # fmt: skip
_FORMS: list[ClauseForm] = ["n", "P", "m", "f", "i"]


def survives(text: str, form: ClauseForm = "n") -> None:
    source = Source("soup", text)
    try:
        program = parse_clause_options(form, source)
    except Diagnostic as diagnostic:
        assert diagnostic.render(errtags=True)
        if diagnostic.span is not None:
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text) + 1
    else:
        assert program.span.end == len(text)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25), st.sampled_from(_FORMS), st.booleans())
def test_token_soup(pieces: list[str], form: ClauseForm, clause: bool) -> None:
    text = " ".join(pieces)
    survives(f"BEGIN {{ {text} }}" if clause else text, form)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_tokens_without_blanks(pieces: list[str]) -> None:
    survives("".join(pieces))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    survives(data.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "body",
    [
        "(" * 20000,
        "(" * 5000 + "1" + ")" * 5000 + ";",
        "-" * 1 + "- " * 5000 + "x;",
        "x = " + "a + " * 5000 + "1;",
        "x = " + "a = " * 5000 + "1;",
        "a" + "[1]" * 5000 + ";",
        "a" + "->b" * 5000 + ";",
        "x = " + "a ? b : " * 5000 + "c;",
        "x = " + "f(" * 5000 + ")" * 5000 + ";",
        "if (x) " * 5000 + ";",
        "if (x) { " * 5000 + "}" * 5000,
        "if (x) ; else " * 5000 + ";",
        "(int)" * 5000 + "x;",
        "sizeof " * 5000 + "x;",
    ],
    ids=lambda body: body[:12],
)
def test_deep_nesting_is_refused(body: str) -> None:
    started = time.monotonic()
    try:
        parse_clause_options("n", Source("deep", f"BEGIN {{ {body} }}"))
    except Diagnostic as diagnostic:
        assert diagnostic.tag == "D_SYNTAX"
    else:
        assert body.startswith("((")  # parentheses alone make no levels
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "struct a { " * 3000 + "int x; " + "} b; " * 3000,
        "int " + "(" * 3000 + "x" + ")" * 3000 + ";",
        "int (*f(" * 3000,
        "int x" + "[int[" * 3000,
        "int x" + "[2]" * 3000 + ";",
        "int " + "*" * 3000 + "x;",
    ],
    ids=lambda text: text[:12],
)
def test_deep_declarations(text: str) -> None:
    survives(text)


def test_too_deep_is_said_so() -> None:
    with pytest.raises(Diagnostic, match="nested too deeply") as caught:
        parse_clause_options("n", Source("deep", f"BEGIN {{ x = {'!' * 1100}y; }}"))
    assert caught.value.span is not None


def test_moderate_nesting_is_fine() -> None:
    parse_clause_options("n", Source("deep", f"BEGIN {{ x = {'a ? b : ' * 100}c; }}"))
    parse_clause_options("n", Source("deep", f"BEGIN {{ {'if (x) ; else ' * 100} y(); }}"))


def test_time_is_linear() -> None:
    clause = "syscall::read:entry /x == 1/ { @a[pid, execname] = sum(arg0 * 2); self->t = 1; }\n"

    def took(count: int) -> float:
        source = Source("long", clause * count)
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            parse_clause_options("n", source)
            best = min(best, time.process_time() - started)
        return best

    took(1)
    assert took(1600) < 16 * took(200)
