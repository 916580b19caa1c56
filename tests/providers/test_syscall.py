"""The syscall provider."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

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


# Compiles each program as on another machine, and writes its code one after the other.
_ELSEWHERE = """
import os, platform, subprocess, sys, tempfile
real = os.uname()
named = os.uname_result((*real[:4], sys.argv[1]))
os.uname, platform.machine = lambda: named, lambda: sys.argv[1]
from dscript.pipeline import compile_program
from dscript.request import CompileRequest, Piece
from dscript.source import Source
for text in sys.argv[2:]:
    program = compile_program(CompileRequest((Piece("n", Source("n", text)),)))
    with tempfile.NamedTemporaryFile() as file:
        file.write(program.object)
        file.flush()
        words = ["llvm-objdump", "-d", "--no-show-raw-insn", file.name]
        print(subprocess.run(words, check=True, capture_output=True, text=True).stdout, "\\f")
"""


@pytest.mark.skipif(not shutil.which("llvm-objdump"), reason="needs llvm-objdump")
@pytest.mark.parametrize(
    ("machine", "number", "fourth", "program_counter"),
    # __NR_openat; in struct pt_regs the fourth argument of a call (x3, r10) and pc, rip.
    [("aarch64", 56, 24, 256), ("x86_64", 257, 56, 128)],
)
def test_code_for_another_machine(
    machine: str, number: int, fourth: int, program_counter: int
) -> None:
    """Numbers of calls and places of registers are those of the machine; nothing is loaded."""
    programs = (
        "syscall::openat:entry /arg3 == 7/ { @ = count(); }",
        "profile-97 { @ = sum(arg0); }",
        "BEGIN { trace(uregs[0]); trace(SYS_openat); exit(0); }",
    )
    words = [sys.executable, "-c", _ELSEWHERE, machine, *programs]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    call, clock, _ = done.stdout.split("\f")[:3]
    assert re.search(rf" [!=]= (0x{number:x}|{number})\b", call)
    # The registers are copied in one piece to the stack, the argument is read there.
    piece = re.search(r"r3 \+= (\w+)\s+\d+:\s+r1 = r10\s+\d+:\s+r1 \+= -(\w+)", call)
    read = re.search(r"\(r10 - (\w+)\)\s+\d+:\s+if r1 != (?:0x)?7 ", call)
    assert piece is not None and read is not None, call
    assert int(piece[1], 0) + int(piece[2], 0) - int(read[1], 0) == fourth
    assert re.search(rf"\*\(u64 \*\)\(r\d \+ (0x{program_counter:x}|{program_counter})\)", clock)
