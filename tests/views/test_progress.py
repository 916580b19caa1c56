"""Progress of long work: a line on stderr, only on a terminal, and gone afterwards."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from dscript import progress, progress_line

from .terminal import PYTHON, Terminal

# The command without patience, so that short work shows too.
IMPATIENT = (
    "import sys; from dscript import cli, progress_line; progress_line._PATIENCE = 0;"
    "progress_line._BETWEEN = 0; sys.exit(cli.main())"
)
WIPED = "\r\x1b[K"


def test_indexing_compiling_and_attaching_are_shown_and_wiped(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "DSCRIPT_CACHE": "0"}
    program = (
        "syscall::read:entry, tick-1s { @ = count(); } BEGIN { print(curthread->pid); exit(0); }"
    )
    words = (PYTHON, "-c", IMPATIENT, "-q", "-n", program)
    with Terminal(words, streams=(2,), environment=environment) as terminal:
        assert terminal.wait() == 0
        assert "".join(terminal.lines) == ""  # nothing is left
        text = terminal.raw.decode()
    shown = [part for part in text.split(WIPED) if part]
    for what in (
        r"\[[#.]{24}\] indexing kernel types \d+/\d+",
        r"[|/-] compiling, \d s",
        r"[|/-] loading the programs, 0 s",
        r"\[[#.]{24}\] attaching programs \d+/\d+",
        r"\[[#.]{24}\] detaching probes \d+/\d+",
    ):
        assert any(re.fullmatch(what, part) for part in shown), (what, shown)
    assert text.endswith(WIPED)


def test_a_message_does_not_share_the_line(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "DSCRIPT_CACHE": "0"}
    with Terminal(
        (PYTHON, "-c", IMPATIENT, "-n", "BEGIN { nonsense }"), streams=(2,), environment=environment
    ) as terminal:
        assert terminal.wait() == 1
        assert terminal.lines[0].startswith("dscript: ")


def test_nothing_without_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-c", IMPATIENT, "-q", "-n", "BEGIN { exit(0); }"],
        capture_output=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "DSCRIPT_CACHE": "0"},
    )
    assert (done.stdout, done.stderr) == (b"\n", b"")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


def test_short_work_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    line = progress_line.ProgressLine()
    line.update("attaching probes", 0, 10)
    clock.now = 0.49
    line.update("attaching probes", 9, 10)
    line.clear()
    # Other work begins anew.
    line.update("compiling", 0, 0)
    line.clear()
    assert capsys.readouterr().err == ""


def test_long_work_shows_ten_times_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    line = progress_line.ProgressLine()
    for done in range(1000):
        clock.now = done / 1000
        line.update("attaching probes", done, 1000)
    line.clear()
    err = capsys.readouterr().err
    assert err.count("attaching") == 5
    assert f"{WIPED}[############............] attaching probes 500/1000" in err
    assert err.endswith(WIPED)


def test_the_line_fits_the_terminal() -> None:
    assert len(progress_line._picture("attaching probes", 5, 10, 1.0, 30)) == 29


def test_reports_go_to_the_listener_only() -> None:
    heard: list[tuple[str, int, int]] = []
    progress.report("unheard")
    progress.listen(lambda *report: heard.append(report))
    try:
        progress.report("work", 1, 2)
    finally:
        progress.listen(None)
    progress.report("unheard")
    assert heard == [("work", 1, 2)]
