"""String subroutines in the kernel against their descriptions, by generated calls."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dscript.builtins.subroutines import SUBROUTINES
from tests.language import reference
from tests.language.running import dscript, literal, output, values

# A failing call shows in the message: shrinking whole programs would take minutes.
_PHASES = (Phase.explicit, Phase.generate)

_PATHS = st.lists(
    st.sampled_from(["/", "//", ".", "..", "a", "bc", "/./", "/../", "x.y", "..z"]), max_size=12
).map("".join)
_WORDS = st.text("abAB", max_size=10)
_NUMBERS = st.one_of(
    st.from_regex(r"[ \t]{0,2}[+-]?(0x)?[0-9a-zA-Z]{0,14}", fullmatch=True),
    st.integers(-(1 << 66), 1 << 66).map(str),
)
_ANY = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=14)
_POSITIONS = st.integers(-12, 12)
_BASES = st.integers(2, 36)
_LONG = st.integers(-(1 << 63), (1 << 63) - 1)
_INTERESTING = st.sampled_from([0, 1, -1, 8, 10, 16, -(1 << 63), (1 << 63) - 1])


def _call(name: str, *args: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(st.just(name), *args)


_CALLS = st.one_of(
    _call("basename", _PATHS),
    _call("dirname", _PATHS),
    _call("cleanpath", _PATHS),
    _call("index", _WORDS, st.text("abAB", max_size=3)),
    _call("index", _WORDS, st.text("abAB", max_size=3), _POSITIONS),
    _call("rindex", _WORDS, st.text("abAB", max_size=3)),
    _call("rindex", _WORDS, st.text("abAB", max_size=3), _POSITIONS),
    _call("strstr", _WORDS, st.text("abAB", max_size=3)),
    _call("strchr", _ANY, st.integers(0, 255)),
    _call("strrchr", _WORDS, st.sampled_from([0, 97, 98, 65])),
    _call("substr", _ANY, _POSITIONS),
    _call("substr", _ANY, _POSITIONS, _POSITIONS),
    _call("lltostr", st.one_of(_LONG, _INTERESTING)),
    _call("lltostr", st.one_of(_LONG, _INTERESTING), _BASES),
    _call("strtoll", _NUMBERS),
    _call("strtoll", _NUMBERS, _BASES),
    _call("toupper", _ANY),
    _call("tolower", _ANY),
    _call("strjoin", _ANY, _ANY),
    _call("strlen", _ANY),
)


def test_no_string_subroutine_is_left_out() -> None:
    """Of those whose arguments are strings; json() has a test against Python's json."""
    generated = {*reference.STRINGS, *reference.NUMBERS, "strtok", "json"}
    known = {
        name
        for name, subroutine in SUBROUTINES.items()
        if "string" in subroutine.params and not subroutine.destructive
    }
    assert known <= generated, known - generated


def _argument(value: object) -> str:
    if isinstance(value, str):
        return literal(value)
    if value == -(1 << 63):
        return "(-9223372036854775807 - 1)"
    return str(value)


def _check(calls: list[tuple[object, ...]], *words: str, size: int = 256) -> None:
    written, expected = [], []
    for name, *args in calls:
        known = [reference.cut(a, size) if isinstance(a, str) else a for a in args]
        text = f"{name}({', '.join(map(_argument, args))})"
        if name in reference.STRINGS:
            written.append(f"s:{text}")
            expected.append(reference.cut(reference.STRINGS[str(name)](*known), size))
        else:
            written.append(f"d:{text}")
            expected.append(str(reference.NUMBERS[str(name)](*known)))
    got = values(written, *words)
    for one, wanted, found in zip(written, expected, got, strict=True):
        assert found == wanted, one


def _printable(calls: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Line ends separate the results."""
    return [
        tuple(a.replace("\n", " ") if isinstance(a, str) else a for a in call) for call in calls
    ]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(st.lists(_CALLS, min_size=30, max_size=60).map(_printable))
def test_generated_calls_equal_their_descriptions(calls: list[tuple[object, ...]]) -> None:
    _check([c for c in calls if c[0] not in ("strchr",) or c[2] != 10], "-x", "bufsize=1m")


_EDGES = ["", "x", "y" * 62, "y" * 63, "y" * 64, "z" * 100, "/" * 63, "a/" * 40, "0" * 62 + "12"]


def test_strings_around_strsize_are_cut() -> None:
    calls: list[tuple[object, ...]] = []
    for text in _EDGES:
        calls += [
            ("strlen", text),
            ("strjoin", text, "end"),
            ("strjoin", "start", text),
            ("toupper", text),
            ("tolower", text),
            ("substr", text, 1),
            ("substr", text, -3),
            ("strchr", text, ord("y")),
            ("strstr", text, "yy"),
            ("index", text, "y", 61),
            ("rindex", text, "y"),
            ("basename", text),
            ("dirname", text),
            ("cleanpath", text),
            ("strtoll", text),
        ]
    _check(calls, "-x", "strsize=64", size=64)


def test_results_longer_than_strsize_are_cut() -> None:
    _check(
        [("lltostr", -1, 2), ("lltostr", -(1 << 63)), ("lltostr", 5), ("strjoin", "abcdefg", "h")],
        "-x",
        "strsize=8",
        size=8,
    )


_TOKENS = st.tuples(st.text("ab,; ", max_size=14), st.text(",; ", max_size=3))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(st.lists(_TOKENS, min_size=15, max_size=25))
def test_tokens_one_after_the_other(cases: list[tuple[str, str]]) -> None:
    written, expected = [], []
    for text, delimiters in cases:
        written.append(f"s:strtok({literal(text)}, {literal(delimiters)})")
        written += [f"s:strtok(NULL, {literal(delimiters)})"] * 3
        expected += reference.strtok_all(text, delimiters, 4)
    assert values(written, "-x", "bufsize=1m") == expected


def test_tokens_last_through_one_firing() -> None:
    clauses = "".join('BEGIN { printf("%s\\n", strtok(NULL, " ")); } ' for _ in range(300))
    words = [f"w{number}" for number in range(300)]
    text = output(
        f'BEGIN {{ this_text = "{" ".join(["one", *words])}"; }}'
        'BEGIN { printf("%s\\n", strtok(this_text, " ")); }'
        f"{clauses}"
        'BEGIN { exit(0); } END { printf("[%s]\\n", strtok(NULL, " ")); }',
        "-x",
        "strsize=2k",
    )
    assert text.split() == ["one", *words, "[]"]


def test_what_is_not_found_is_null() -> None:
    text = output(
        'BEGIN /strstr("abc", "x") == NULL && strchr("abc", 120) == NULL/ { printf("1\\n"); }'
        'BEGIN /strstr("abc", "b") != NULL && strtok(" ", " ") == NULL/ { printf("2\\n"); }'
        'BEGIN /json("{}", "a") == NULL && strrchr("abc", 98) != NULL/ { printf("3\\n"); }'
        "BEGIN { exit(0); }"
    )
    assert text.split() == ["1", "2", "3"]


@pytest.mark.parametrize("base", ["1", "37", "-2"])
def test_a_base_out_of_range_is_an_illegal_operation(base: str) -> None:
    for call in (f'strtoll("1", {base})', f"lltostr(1, {base})"):
        done = dscript("-qn", f"BEGIN {{ trace({call}); }} BEGIN {{ exit(0); }}")
        assert "illegal operation" in done.stderr and done.stdout.strip() == ""


def test_twenty_string_calls_load_at_the_usual_strsize() -> None:
    body = "\n".join(
        f'a{n} = strjoin(cleanpath(execname), substr(toupper("abc"), {n}));' for n in range(20)
    )
    done = dscript("-qn", f"syscall::getppid:entry {{ {body} }} BEGIN {{ exit(0); }}")
    assert done.returncode == 0 and not done.stderr


@pytest.mark.parametrize("size", [8, 60, 64, 300])
def test_comparisons_of_strings_of_any_room(size: int) -> None:
    """Names of the probe take as little room as they need, variables all of strsize."""
    texts = ["", "BEGI", "BEGIN", "BEGINNING", "BEGIM", "BEGIO", "x", "y" * 70, "y" * 69 + "z"]
    calls, expected = [], []
    setup = "".join(f"v{n} = {literal(text)};" for n, text in enumerate(texts))
    known = [reference.cut(text, size) for text in texts]
    for n, text in enumerate(known):
        for op, truth in (("==", text == "BEGIN"), ("<", text < "BEGIN"), (">=", text >= "BEGIN")):
            calls.append(f"d:v{n} {op} probename")
            expected.append(str(int(truth)))
        for m, other in enumerate(known):
            calls.append(f"d:(v{n} == v{m}) + 2 * (v{n} < v{m})")
            expected.append(str((text == other) + 2 * (text < other)))
    assert values(calls, "-x", f"strsize={size}", "-x", "bufsize=4m", setup=setup) == expected
