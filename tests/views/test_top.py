"""--top on a pseudo-terminal: the screen, its size, colours, and what is left afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.output.machine import DSCRIPT, execute

from .terminal import Terminal

# Values that grow: 1, 2, 3 … times 10 for "slow", times 1000 for "fast".
PROGRAM = """
tick-100ms { n++; @calls["slow", 1] = sum(10); @calls["fast", 2] = sum(1000); }
tick-100ms { @times["read"] = quantize(100); @times["read"] = quantize(5000); }
tick-100ms /n == 3/ { printf("printed at %d\\n", n); }
"""
WORDS = (DSCRIPT, "--top", "-x", "switchrate=200ms", "-n", PROGRAM)


def value(lines: list[str], key: str) -> int:
    """The number behind a key on the screen, 0 without one."""
    for line in lines:
        found = re.match(rf"{key} .* (\d+)(?:  |$)", line)
        if found:
            return int(found[1])
    return 0


def test_the_screen_is_redrawn_and_sorted() -> None:
    with Terminal(WORDS) as top:
        top.wait_for(lambda: value(top.lines, "fast") >= 3000)
        first = value(top.lines, "fast")
        top.wait_for(lambda: value(top.lines, "fast") > first)
        lines = top.lines
        assert re.fullmatch(r"dscript  3 probes  0:00:\d\d", lines[0])
        assert any("@calls sum()" in line for line in lines)
        rows = [line.split()[0] for line in lines if line.startswith(("fast", "slow"))]
        assert rows == ["fast", "slow"]  # greatest first
        assert value(lines, "fast") == 100 * value(lines, "slow")
        # 64 to 127 and 4096 to 8191, once each.
        (times,) = [line for line in lines if line.startswith("read")]
        assert re.fullmatch(r"read +\d+  64 █ {5}█ 8191", times)
        top.wait_for(lambda: "printed at 3" in "\n".join(top.lines))
        assert "output" in top.lines
        top.interrupt()
        assert top.wait() == 0


def bar(lines: list[str]) -> int:
    """Length of the longest bar, a quarter of the width."""
    return max((line.count("|") for line in lines if line.startswith("fast")), default=0)


def test_it_follows_the_window() -> None:
    exported = {"COLUMNS": "100", "LINES": "30"}  # as some shells leave them
    with Terminal(WORDS, columns=100, rows=30, environment=exported) as top:
        top.wait_for(lambda: bar(top.lines) == 25)
        top.resize(60, 9)
        top.wait_for(lambda: bar(top.lines) == 15)
        # Both tables have their share of nine lines; the text has none.
        assert top.lines[0].startswith("dscript  3 probes")
        assert [line.split()[0] for line in top.lines[3:] if line] == [
            "fast", "slow", "string", "read",
        ]  # fmt: skip
        top.resize(120, 30)
        top.wait_for(lambda: bar(top.lines) == 30)
        top.interrupt()
        assert top.wait() == 0


def test_the_program_may_change_the_rate() -> None:
    program = """
        int done;
        tick-50ms { @n["n"] = count(); }
        tick-300ms /!done/ { done = 1; setopt("switchrate", "1h"); printf("slower\\n"); }
    """
    words = (DSCRIPT, "--top", "-x", "switchrate=100ms", "-n", program)
    with Terminal(words) as top:
        top.wait_for(lambda: "tick-300ms slower" in "\n".join(top.lines))
        top.read_for(0.5)  # one picture may have been due
        assert top.read_for(1.0) == 0
        top.interrupt()
        assert top.wait() == 0


def test_afterwards_the_terminal_is_as_it_was() -> None:
    with Terminal(WORDS) as top:
        top.wait_for(lambda: "printed at 3" in "\n".join(top.lines))
        top.interrupt()
        assert top.wait() == 0
        raw = top.raw
        # The alternate screen is left and the cursor is back before anything is printed.
        assert raw.count(b"\x1b[?1049h") == raw.count(b"\x1b[?1049l") == 1
        after = raw.rpartition(b"\x1b[?1049l")[2]
        after = after.replace(b"\x1b[?25h", b"").replace(b"\r\n", b"\n")
        assert b"\x1b" not in after
        # All that a run without --top prints.
        assert b"CPU     ID                    FUNCTION:NAME\n" in after
        assert b":tick-100ms printed at 3\n" in after
        assert b"  fast  " in after and b"------------- Distribution -------------" in after


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour(environment: dict[str, str], coloured: bool) -> None:
    with Terminal(WORDS, environment=environment) as top:
        top.wait_for(lambda: value(top.lines, "fast") > 0)
        top.interrupt()
        assert top.wait() == 0
        found = re.findall(rb"\x1b\[([0-9;]*)m", top.raw)
        codes = {code for codes in found for code in codes.split(b";")}
        assert bool(codes & {b"%d" % n for n in range(30, 38)}) is coloured


def test_without_a_terminal_it_says_so() -> None:
    done = execute("--top", "-n", "BEGIN { @ = count(); exit(0); }")
    assert done.returncode == 1
    assert b"dscript: --top needs a terminal, and standard output is none\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (("-n", "BEGIN { @ = count(); }"), {"TERM": "dumb"}, "cannot draw on this terminal"),
        (("-n", "BEGIN { trace(1); }"), {}, "--top shows aggregations, and the program has none"),
        (
            ("--format", "json", "-n", "BEGIN { @ = count(); }"),
            {},
            "--top takes the terminal: give -o FILE for --format json",
        ),
    ],
)
def test_what_cannot_be_shown(
    words: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    with Terminal((DSCRIPT, "--top", *words), environment=environment) as top:
        assert top.wait() == 1
        assert message in "\n".join(top.lines)


def test_json_goes_to_a_file_meanwhile(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with Terminal((*WORDS, "--format", "json", "-o", str(out))) as top:
        top.wait_for(lambda: value(top.lines, "fast") > 0)
        top.interrupt()
        assert top.wait() == 0
    assert out.read_text().endswith('{"type":"exit","status":0}\n')


def test_plain_output_has_no_escapes() -> None:
    """On a terminal as in a file: colour belongs to --top alone."""
    words = ("-x", "cpu=0", "-n", 'BEGIN { printf("x"); @[1] = quantize(3); exit(0); }')
    with Terminal((DSCRIPT, *words), streams=(0, 1)) as plain:
        assert plain.wait() == 0
        text = plain.raw.replace(b"\r\n", b"\n")
    assert text == execute(*words).stdout
    assert b"\x1b" not in text
