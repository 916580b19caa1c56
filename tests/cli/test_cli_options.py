"""The table of D options: values, defaults, complaints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscript import options
from dscript.errors import Diagnostic, Span
from dscript.source import Source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("512", 512),
        ("4k", 4096),
        ("4K", 4096),
        ("2m", 2 << 20),
        ("1g", 1 << 30),
        ("1t", 1 << 40),
        ("0x10", 16),
        ("0x10k", 16384),
    ],
)
def test_sizes(text: str, value: int) -> None:
    assert options.parse_size(text) == value


@pytest.mark.parametrize("text", ["", "k", "-1", "1kk", "1.5m", "9223372036854775807k", "1hz"])
def test_wrong_sizes(text: str) -> None:
    with pytest.raises(ValueError):
        options.parse_size(text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1", 1_000_000_000),  # hertz is the unit of a plain number
        ("10hz", 100_000_000),
        ("101hz", 9_900_990),
        ("5ns", 5),
        ("5us", 5_000),
        ("50ms", 50_000_000),
        ("50msec", 50_000_000),
        ("2s", 2_000_000_000),
        ("2sec", 2_000_000_000),
        ("3m", 180_000_000_000),
        ("1min", 60_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1hour", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("0", 0),
    ],
)
def test_rates_are_periods(text: str, nanoseconds: int) -> None:
    assert options.parse_rate(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "hz", "1k", "2000000000hz", "1fortnight"])
def test_wrong_rates(text: str) -> None:
    with pytest.raises(ValueError):
        options.parse_rate(text)


@given(st.text())
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (options.parse_size, options.parse_rate, options.parse_flag):
        try:
            assert parse(text) >= 0
        except ValueError:
            continue


@given(st.sampled_from(sorted(options.OPTIONS)), st.text(max_size=8))
def test_any_setting_is_taken_or_refused_by_tag(name: str, value: str) -> None:
    try:
        options.check(name, value)
    except Diagnostic as wrong:
        assert wrong.tag == "D_PRAGMA_OPTSET"
        assert name in wrong.message


def test_every_default_is_a_legal_value() -> None:
    for option in options.OPTIONS.values():
        if option.default and not option.missing:
            assert options.problem(option.name, option.default) is None, option.name


def test_every_option_of_the_manual_has_an_entry() -> None:
    """Chapter "Options and Tunables"; those of Solaris 10 and 11."""
    names = (
        "aggrate aggsize bufpolicy bufresize bufsize cleanrate cpu defaultargs destructive "
        "dynvarsize flowindent grabanon jstackframes jstackstrsize nspec quiet specsize "
        "stackframes statusrate strsize switchrate ustackframes aggsortkey aggsortkeypos "
        "aggsortpos aggsortrev rawbytes stackindent"
    )
    assert set(names.split()) <= set(options.OPTIONS)


def test_defaults_of_the_manual() -> None:
    assert options.size({}, "strsize") == 256
    assert options.count({}, "stackframes") == 20
    assert options.count({}, "ustackframes") == 20
    assert options.count({}, "jstackframes") == 50
    assert options.size({}, "jstackstrsize") == 512
    assert options.count({}, "nspec") == 1
    assert options.period({}, "switchrate") == options.period({}, "aggrate") == 10**9
    assert options.text({}, "bufpolicy") == "switch"


def test_flags() -> None:
    assert not options.flag({}, "quiet")
    assert options.flag({"quiet": ""}, "quiet")
    assert options.flag({"quiet": "1"}, "quiet")
    assert not options.flag({"quiet": "off"}, "quiet")


def test_missing_options_say_why() -> None:
    with pytest.raises(Diagnostic, match="not supported: anonymous tracing"):
        options.check("grabanon", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("grabanon", ""), ("ctypes", "f"), ("tree", "1")],
)
def test_what_has_no_effect_is_refused(name: str, value: str) -> None:
    with pytest.raises(Diagnostic, match="not supported"):
        options.check(name, value)


def test_programs_cannot_set_what_matters_before_they_are_read() -> None:
    source = Source("a.d", "#pragma D option cpp\n")
    options.check("cpp", "")
    with pytest.raises(Diagnostic, match="cannot be set from within a program") as wrong:
        options.check("cpp", "", Span(source, 0, 7))
    assert wrong.value.hint == "give it on the command line: -x cpp"


def test_environment() -> None:
    found = options.from_environment([("DSCRIPT_OPT_STRSIZE", "1k"), ("HOME", "/root")])
    assert found == {"strsize": "1k"}
    with pytest.raises(Diagnostic):
        options.from_environment([("DSCRIPT_OPT_NOSUCH", "1")])


def test_later_layers_win() -> None:
    merged = options.merge({"quiet": "", "strsize": "1k"}, {"strsize": "2k"}, {"strsize": "3k"})
    assert merged == {"quiet": "", "strsize": "3k"}
