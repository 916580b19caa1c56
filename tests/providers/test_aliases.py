"""System calls under names of other systems and of C library functions; modules of other
kernels; with the work of alias_work.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dscript.kernel import syscalls
from dscript.providers import Matches, Pattern, aliases, match
from tests.command import DSCRIPT

ROOT = Path(__file__).resolve().parents[2]
NATIVE = set(syscalls.table("x86_64")) | set(syscalls.table("aarch64"))


def found(text: str, *others: str) -> Matches:
    """What a description matches in a program that has some others."""
    named = [Pattern(*each.split(":")) for each in (text, *others)]
    return match(named[0], named=lambda: named)


def calls(text: str, *others: str) -> list[str]:
    """The system calls that fire a description, one for each point."""
    points = found(text, *others).points
    return [p.attach.shape.call if p.attach.shape else p.probe.function for p in points]


# --------------------------------------------------------------------------------- the table


def test_every_name_of_the_table_leads_to_calls_of_linux() -> None:
    for name, entry in aliases.table().items():
        assert ("system" in entry) == (name not in NATIVE), name
        alias = aliases.lookup(name)
        if alias is None:
            assert entry.get("without") and name in syscalls.table(), name
        elif alias.absent:
            assert not alias.calls, name
            assert "nearest: " in alias.absent or "without" in alias.absent, name
        else:
            assert alias.calls, name
            assert {call.to for call in alias.calls} <= NATIVE, name


def test_numbers_of_names_are_their_own() -> None:
    points = [p for name in aliases.table() for p in found(f"syscall::{name}:").points]
    numbers: dict[int, str] = {}
    for point in points:
        assert numbers.setdefault(point.probe.id, str(point.probe)) == str(point.probe)
        assert point.probe.id < 2000


# ------------------------------------------------------------------- which call fires which


@pytest.mark.skipif("open" not in syscalls.table(), reason="another table of system calls")
@pytest.mark.parametrize(
    ("text", "others", "expected"),
    [
        ("syscall::open:entry", [], ["open", "openat"]),
        ("syscall::open64:entry", [], ["open", "openat"]),
        ("syscall::open:entry", ["syscall::open64:entry"], ["open", "openat"]),
        ("syscall::open64:entry", ["syscall::open:entry"], []),
        ("syscall::open64:return", ["syscall::open:entry"], ["open", "openat"]),
        ("syscall::open:entry", ["syscall::openat:entry"], ["open"]),
        ("syscall::open:return", ["syscall::openat:entry"], ["open"]),
        ("syscall::open:entry", ["syscall:::entry"], ["open", "openat"]),
        ("syscall::read:entry", [], ["read"]),
        ("syscall::exece:return", ["syscall::exec:return"], ["execve"]),
        ("syscall::exec:return", ["syscall::exece:return"], []),
        ("syscall::rexit:entry", [], ["exit", "exit_group"]),
        ("syscall::read_nocancel:entry", [], ["read"]),
        ("syscall::open_nocancel:entry", [], ["open", "openat"]),
        ("syscall::stat64_extended:entry", [], ["stat", "newfstatat", "statx"]),
        ("syscall::freebsd11_lstat:entry", [], ["lstat", "newfstatat", "statx"]),
        ("syscall:freebsd:read:entry", [], ["read"]),
        ("syscall::pread:entry", [], ["pread64"]),
        # Globs mean Linux's names, and what these stand for but do not match.
        ("syscall::*fork*:entry", [], ["fork", "vfork", "clone", "clone3", "clone", "clone3"]),
        ("syscall::mkdir*:entry", [], ["mkdir", "mkdirat"]),
        ("syscall::lwp_cond*:entry", ["syscall::futex:return"], ["futex"]),
    ],
)
def test_calls_behind_a_name(text: str, others: list[str], expected: list[str]) -> None:
    assert sorted(calls(text, *others)) == sorted(expected)


def test_globs_over_native_names_are_not_changed() -> None:
    for text in ("syscall:::", "syscall::*:entry", "syscall::open*:entry", "syscall::*read*:entry"):
        plain = match(Pattern(*text.split(":")), compat=False).points
        assert found(text).points == plain, text


def test_names_without_a_call_say_what_there_is() -> None:
    nothing = found("syscall::door_call:entry")
    assert not nothing.points
    assert nothing.reason is not None
    assert nothing.reason.startswith("door_call is a system call of Solaris: Linux has no doors")


def test_compat_none_leaves_names_alone() -> None:
    for text in ("syscall::open64:entry", "io:genunix::start", "sched:unix:swtch:on-cpu"):
        assert not match(Pattern(*text.split(":")), compat=False).points


@pytest.mark.parametrize(
    "text",
    [
        "io:genunix::start",
        "io::bdev_strategy:start",
        "io:genunix::*",
        "proc::proc_exit:exit",
        "sched:unix:swtch:on-cpu",
        "sched::resume:on-cpu",
        "sched:mach_kernel::wakeup",
    ],
)
def test_fields_of_other_kernels(text: str) -> None:
    provider, _, _, name = text.split(":")
    taken = found(text)
    assert [p.probe for p in taken.points] == [
        p.probe for p in match(Pattern(provider, "", "", name)).points
    ]
    assert taken.points
    assert taken.remarks[0].startswith(f"{text}: ")


@pytest.mark.parametrize(
    "text",
    ["io:mydriver::start", "io:genunix::strat", "fbt:genunix::entry", "syscall:ext4:open:entry"],
)
def test_what_is_no_field_of_another_kernel(text: str) -> None:
    assert not found(text).points


def test_a_machine_without_the_plain_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """aarch64 has `openat` and no `open`: the name is one of the table's alone there."""
    table = syscalls.table("aarch64")
    monkeypatch.setattr(aliases.syscalls, "table", lambda machine=None: table)
    aliases.lookup.cache_clear()
    try:
        assert calls("syscall::open:entry") == ["openat"]
        assert calls("syscall::poll:entry") == ["ppoll"]
        assert calls("syscall::pipe:return") == ["pipe2"]
        assert calls("syscall::fork:entry") == ["clone", "clone3"]
        (point,) = found("syscall::open:return").points
        assert str(point.probe) == "syscall:vmlinux:open:return"
        assert point.probe.id > 1000
        for name in aliases.table():
            alias = aliases.lookup(name)
            assert alias is None or alias.absent or any(c.to in table for c in alias.calls), name
    finally:
        aliases.lookup.cache_clear()


# --------------------------------------------------------------------------------- it fires


def trace(tmp_path: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    work = Path(__file__).with_name("alias_work.py")
    command = f"{sys.executable} -I {work} {ROOT}"
    words = [DSCRIPT, "-q", *options, "-n", program, "-c", command]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )


PATHS = """
syscall::open64:entry, syscall::creat:entry, syscall::stat:entry, syscall::lstat64:entry,
syscall::mkdir:entry, syscall::rmdir:entry, syscall::rename:entry, syscall::link:entry,
syscall::symlink:entry, syscall::readlink:entry, syscall::access:entry, syscall::chmod:entry,
syscall::chown:entry, syscall::unlink:entry
/pid == $target && substr(copyinstr(arg0), 0, 5) == "work-"/
{ @[probefunc, copyinstr(arg0), probefunc == "rename" ? copyinstr(arg1) : lltostr(arg1 & 0xfff)] =
    count(); }
syscall::stat:return, syscall::lstat64:return /pid == $target && errno == 2/
{ @failed[probefunc, (int)arg0, (int)arg1] = count(); }
"""


def test_the_path_is_the_first_argument(tmp_path: Path) -> None:
    done = trace(tmp_path, PATHS)
    # Paths of the interpreter's own may lie in pages that are not in memory yet.
    errors = [line for line in done.stderr.splitlines() if "invalid address" not in line]
    assert all("nested probe firing" in line for line in errors), errors
    lines = {tuple(line.split()) for line in done.stdout.splitlines() if "work-" in line}
    # name, arg0, arg1 (flags and modes in decimal), how often
    expected = {
        ("open64", "work-open", str(0x42)),
        ("creat", "work-made", str(0o640)),
        ("mkdir", "work-mkdir", str(0o700)),
        ("rename", "work-made", "work-moved"),
        ("access", "work-moved", "4"),
        ("chmod", "work-moved", str(0o600)),
    }
    assert expected <= {line[:3] for line in lines}
    named = {line[:2] for line in lines}
    assert {
        ("stat", "work-stat"),
        ("stat", "work-statx"),
        ("lstat64", "work-lstat"),
        ("rmdir", "work-mkdir"),
        ("link", "work-moved"),
        ("symlink", "work-target"),
        ("readlink", "work-symlink"),
        ("chown", "work-moved"),
        ("unlink", "work-linked"),
    } <= named
    # openat() with a folder is not open(), what creates files fires one name, and each once.
    assert "work-beside" not in done.stdout
    assert ("open64", "work-made") not in named
    assert {line[3] for line in lines} == {"1"}
    failed = [
        line.split() for line in done.stdout.splitlines() if line.split()[-3:-1] == ["-1"] * 2
    ]
    assert {line[0] for line in failed} >= {"stat", "lstat64"}


def test_a_program_that_names_the_call_sees_it_once(tmp_path: Path) -> None:
    done = trace(
        tmp_path,
        "syscall::open:entry, syscall::openat:entry, syscall::open64:entry "
        '/pid == $target && substr(copyinstr(probefunc == "open" ? arg0 : arg1), 0, 5) == "work-"/ '
        "{ @[probefunc, arg0 > 0] = count(); }",
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert sorted(lines) == [["openat", "0", "2"], ["openat", "1", "1"]], done.stderr


def test_compat_none(tmp_path: Path) -> None:
    program = "syscall::open:entry /pid == $target/ { trace(copyinstr(arg0)); }"
    assert trace(tmp_path, program, "-x", "compat=none").stdout.strip() == ""
    done = trace(tmp_path, "syscall::open64:entry", "-xcompat=none", "-xerrtags")
    assert "[D_PDESC_ZERO]" in done.stderr


def test_fork_in_parent_and_child(tmp_path: Path) -> None:
    done = trace(
        tmp_path,
        "syscall::fork1:entry /progenyof($target)/ { @entry[probefunc] = count(); } "
        'syscall::fork1:return /progenyof($target)/ { @returned[arg0 == 0 ? "child" : "parent"] '
        "= count(); } "
        "syscall::rexit:entry /progenyof($target)/ { @status[probefunc, arg0] = count(); }",
    )
    words = [tuple(line.split()) for line in done.stdout.splitlines() if line.strip()]
    assert sorted(words) == sorted(
        [("fork1", "1"), ("child", "1"), ("parent", "1"), ("rexit", "7", "1"), ("rexit", "0", "1")]
    ), done.stderr


def test_clauses_of_one_call_stay_one_firing(tmp_path: Path) -> None:
    """Clause-local variables go from a clause for the call to one for its other name and on."""
    done = trace(
        tmp_path,
        "syscall::openat:entry, syscall::getppid:entry { this->seen = 1; } "
        "syscall::open64:return, syscall::getppid:entry { this->seen = 5; } "
        "syscall:::return /pid == $target && this->seen == 5/ { @[probefunc] = count(); } "
        "syscall:::return /pid == $target && this->seen == 5 && errno == 0/ "
        "{ @ok[probefunc, arg0 >= 0] = count(); }",
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert {line[0] for line in lines} == {"openat"}, done.stdout
    assert int(lines[0][-1]) >= 3


def test_a_glob_whose_clause_reads_the_path(tmp_path: Path) -> None:
    """`copyinstr(arg0)` under a glob; what is called with a folder keeps its own arguments."""
    done = trace(
        tmp_path,
        'syscall::open*:entry /pid == $target && substr(copyinstr(arg0), 0, 5) == "work-"/ '
        '{ printf("%s %s\\n", probefunc, copyinstr(arg0)); } '
        "syscall::open*:entry /pid == $target && arg0 < 100 && arg0 >= 0/ "
        '{ printf("%s %s\\n", probefunc, copyinstr(arg1)); }',
    )
    # Both lines of openat() with a folder: 3 is no address, but a folder.
    assert re.search(r"syscall:vmlinux:openat:entry\): invalid address \(0x\d\)", done.stderr)
    lines = [line.split() for line in done.stdout.splitlines() if "work-" in line]
    assert lines == [["open", "work-open"], ["openat", "work-beside"], ["open", "work-made"]]
    plain = trace(
        tmp_path,
        "syscall::open*:entry /pid == $target && (int)arg0 == -100/ { @[probefunc] = count(); }",
    )
    assert plain.stdout.split()[0] == "openat"


def test_a_fault_leaves_the_call_its_name(tmp_path: Path) -> None:
    done = trace(
        tmp_path,
        "syscall::mkdir:entry /pid == $target/ { trace(*(int *)0x10); } "
        'syscall:::entry /pid == $target && probefunc == "mkdirat"/ { printf("%s", probefunc); }',
    )
    assert done.stdout.strip() == "mkdirat"
    assert re.search(r"\(ID \d+: syscall:vmlinux:mkdir:entry\): invalid address", done.stderr)


def test_what_was_replaced_is_told_on_request(tmp_path: Path) -> None:
    program = (
        "syscall::exece:return, syscall::exec:return, syscall::door_call:entry, "
        "proc:genunix:exec_common:exec-success, syscall::read:entry"
    )
    quiet = subprocess.run(
        [DSCRIPT, "-qen", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")
    told = subprocess.run(
        [DSCRIPT, "-qven", program], capture_output=True, text=True, timeout=60, check=False
    ).stderr
    for start in (
        "dscript: syscall::exece, a name of Solaris, fires for execve; ",
        "dscript: syscall::exec: another name of the program has its calls",
        "dscript: syscall::door_call: never fires: ",
        "dscript: proc:genunix:exec_common:exec-success: module and function are of another ",
    ):
        assert any(line.startswith(start) for line in told.splitlines()), start
