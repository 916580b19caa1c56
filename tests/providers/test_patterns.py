"""Globs of probe descriptions (manual, chapter 3) and the registry."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscript.providers import Pattern, match, usercode
from dscript.providers.base import is_glob, matcher


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        ("", "anything", True),
        ("*", "", True),
        ("open", "open", True),
        ("open", "openat", False),
        ("open*", "openat", True),
        ("*at", "openat", True),
        ("o*n*t", "openat", True),
        ("op?n", "open", True),
        ("op?n", "opn", False),
        ("[abc]x", "bx", True),
        ("[a-c]x", "dx", False),
        ("[!a-c]x", "dx", True),
        ("[!a-c]x", "ax", False),
        ("[]a]", "]", True),
        ("[z-a]", "b", False),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("a.c", "abc", False),
        ("a+", "a+", True),
        ("[a", "[a", True),
        ("[^a]", "^", True),
        ("[^a]", "b", False),
    ],
)
def test_globs(glob, text, expected):
    assert matcher(glob)(text) is expected


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_a_glob(glob, text):
    assert matcher(glob)(text) in (True, False)


@given(st.text(alphabet="abc*?[]!-\\", max_size=8))
def test_a_literal_matches_only_itself(text):
    escaped = "".join("\\" + c if c in "*?[]\\" else c for c in text)
    if escaped:
        assert matcher(escaped)(text)
        assert not matcher(escaped)(text + "a")


def test_what_is_a_glob():
    assert all(map(is_glob, ("", "*", "a?", "[a]", "\\a")))
    assert not is_glob("vfs_read")


def matched(text: str, **options):
    return match(Pattern(*text.split(":")), **options)


def names(text: str) -> list[str]:
    return [str(point.probe) for point in matched(text).points]


def test_begin_end_and_error():
    assert names("dtrace:::") == ["dtrace:::BEGIN", "dtrace:::END", "dtrace:::ERROR"]
    assert names(":::BEGIN") == ["dtrace:::BEGIN"]
    assert [p.probe.id for p in matched("dtrace:::").points] == [1, 2, 3]
    assert names("dtrace:x::BEGIN") == []


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("syscall::opne:entry", "syscall::open:entry"),
        ("syscall::read:entri", "syscall::read:entry"),
        ("syscal::read:entry", "syscall::read:entry"),
        ("dtrace:::BEGNI", "dtrace:::BEGIN"),
        ("profile:::tik-1s", "profile:::tick-1s"),
    ],
)
def test_near_misses(written, suggested):
    found = matched(written)
    assert not found.points
    assert found.suggestion == f"did you mean {suggested}?"


@pytest.mark.parametrize("written", ["syscall::qqqqqqq:entry", "nonsense:::", "dtrace:::xyzzy"])
def test_no_suggestion_for_what_is_like_nothing(written):
    found = matched(written)
    assert (found.points, found.suggestion) == ((), None)


@pytest.mark.parametrize(
    ("provider", "nearest"),
    [("sctp", "sdt:sctp"), ("udplite", "sdt:net"), ("nfsv3", "sdt:nfs")],
)
def test_providers_that_are_not_there_are_named(provider, nearest):
    reason = matched(f"{provider}:::start").reason
    assert reason is not None
    assert reason.startswith(f"provider {provider} is not available in this version")
    assert nearest in reason


@pytest.mark.parametrize("provider", ["pid", "pid*"])
def test_the_pid_provider_takes_the_number_of_a_process(provider):
    reason = matched(f"{provider}:::entry").reason
    assert reason is not None and "pid1234, or pid$target with -c or -p" in reason


@pytest.mark.parametrize("rest", ["::-", "libc*::", "libc*::entry"])
def test_a_description_of_too_many_probes_is_refused(rest, monkeypatch):
    """With a lower limit: this process has more than 100 functions and instructions."""
    monkeypatch.setattr(usercode, "MAX_PROBES", 100)
    found = matched(f"pid{os.getpid()}:{rest}")
    assert (found.points, found.reason) == ((), usercode.TOO_MANY)


def test_every_probe_has_an_id_of_its_own():
    """Programs and the listing know a probe by its ID, so two with one ID are one."""
    names: dict[int, set[tuple[str, ...]]] = {}
    for point in match(Pattern("", "", "", "")).points:
        probe = point.probe
        names.setdefault(probe.id, set()).add(
            (probe.provider, probe.module, probe.function, probe.name)
        )
    assert not [shared for shared in names.values() if len(shared) > 1]


def test_system_calls_read_neither_btf_nor_tracefs():
    code = (
        "import sys; from dscript.providers import Pattern, match\n"
        "for d in ('syscall:::entry', ':::BEGIN', ':::tick-1s', 'dtrace:::END'):\n"
        "    assert match(Pattern(*d.split(':'))).points, d\n"
        "print([m for m in sys.modules if m.startswith('dscript.kernel.')])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert output.stdout.strip() == "['dscript.kernel.syscalls']", output.stderr
