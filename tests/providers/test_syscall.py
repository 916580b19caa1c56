"""The syscall provider."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from dscript.providers import Pattern, arguments, match


def points(text: str):
    return match(Pattern(*text.split(":"))).points


def test_entry_and_return_of_one_call():
    entry, exit_ = points("syscall::getppid:")
    assert str(entry.probe) == "syscall:vmlinux:getppid:entry"
    assert str(exit_.probe) == "syscall:vmlinux:getppid:return"
    assert (entry.attach.kind, entry.attach.target, entry.attach.context) == (
        "raw_tp",
        "sys_enter",
        "syscall_entry",
    )
    assert (exit_.attach.target, exit_.attach.context) == ("sys_exit", "syscall_return")
    number = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
    assert entry.attach.selector == exit_.attach.selector == number
    assert (entry.probe.id, exit_.probe.id) == (10 + 2 * number, 11 + 2 * number)


@pytest.mark.skipif(
    os.uname().machine != "x86_64" or not shutil.which("gcc"), reason="needs gcc on x86-64"
)
def test_a_glob_matches_the_names_of_the_header():
    macros = subprocess.run(
        ["gcc", "-dM", "-E", "-include", "asm/unistd_64.h", "-x", "c", "/dev/null"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = {m.removeprefix("__NR_") for m in macros if m.startswith("__NR_op")}
    found = {point.probe.function for point in points("syscall::op*:entry")}
    assert {"open", "openat", "openat2", "open_by_handle_at", "open_tree"} <= expected
    # The table is of a newer kernel than the header may be.
    assert found - expected <= {"open_tree_attr"}
    assert expected <= found


def test_every_probe_has_an_id_of_its_own():
    ids = [point.probe.id for point in points("syscall:::")]
    assert len(set(ids)) == len(ids) > 600
    assert max(ids) < 2000


@pytest.mark.parametrize("text", ["syscall:ext4::entry", "syscall::read:start", "syscall::x:"])
def test_what_does_not_match(text):
    assert points(text) == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_types_of_arguments():
    (point,) = points("syscall::openat:entry")
    found = [(a.name, a.d_type, a.word) for a in arguments(point)]
    assert found == [
        ("dfd", "int", 0),
        ("filename", "const char *", 1),
        ("flags", "int", 2),
        ("mode", "umode_t", 3),
    ]
    (returning,) = points("syscall::openat:return")
    assert {(a.d_type, a.word) for a in arguments(returning)} == {("long", 0)}
