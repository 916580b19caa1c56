"""User stacks of code without frame pointers, frame by frame, against gdb and the source."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.userland.support import DSCRIPT, build, dscript, lines

SOURCE = (Path(__file__).parent / "stacks.c").read_text()
FLAGS = ("-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls")
# The program's own functions, from the inside out.
CHAIN = [
    "last", "on_signal", "interrupted", "compare", "aligned", "variable", "busy", "order",
    "deep", "deep", "deep", "deep", "main", "_start",
]  # fmt: skip
PLUGIN = ["plugin_read", "plugin_entry", "plugin_entry", "plugin_entry"]


@contextmanager
def reading(*words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that reads its input, a byte at a time, where its stack is deepest."""
    process = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, bufsize=0)
    try:
        while True:
            with open(f"/proc/{process.pid}/syscall") as file:
                if file.read().startswith("0 0x0 "):  # read(0, …)
                    break
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()


def traced(process: subprocess.Popen[bytes], clause: str, *options: str) -> str:
    """What dscript prints of the process while it reads one byte after the other."""
    tracer = subprocess.Popen(
        [DSCRIPT, "-q", *options, "-p", str(process.pid), "-n",
         f'BEGIN {{ printf("ready\\n"); }} {clause}'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert tracer.stdout is not None and process.stdin is not None
        assert tracer.stdout.readline() == "ready\n"
        while tracer.poll() is None:
            process.stdin.write(b"x")
            try:
                tracer.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        out, err = tracer.communicate()
    finally:
        tracer.kill()
    assert (tracer.returncode, err) == (0, "")
    return out


CLAUSE = "syscall::read:entry /pid == $target/ { ustack(100); exit(0); }"


def addresses(process: subprocess.Popen[bytes]) -> list[int]:
    """The stack as dscript takes it."""
    text = traced(process, CLAUSE, "-x", "noresolve")
    return [int(line, 16) for line in text.split()]


def gdb(process: subprocess.Popen[bytes]) -> list[int]:
    """The stack as gdb unwinds it."""
    done = subprocess.run(
        ["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off",
         "-ex", "set print address on", "-ex", "set backtrace past-main on", "-p", str(process.pid), "-ex", "bt"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    frames = re.findall(r"^#\d+ +(?:(0x[0-9a-f]+) in |<(signal) handler)", done.stdout, re.M)
    assert frames, done.stdout + done.stderr
    return [int(address, 16) if address else 0 for address, _ in frames]


def check(*words: str | Path) -> list[int]:
    """Our stack is gdb's, address by address; gdb shows no address for the signal's frame."""
    with reading(*words) as process:
        ours, theirs = addresses(process), gdb(process)
    shown = [0 if there == 0 else here for here, there in zip(ours, theirs, strict=False)]
    assert (shown, len(ours)) == (theirs, len(theirs))
    return ours


@pytest.mark.parametrize(
    "flags",
    [
        ("-pie", "-fPIE"),
        ("-no-pie",),
        ("-static", "-DSTATIC"),
        ("-s",),
        ("-Os", "-fcf-protection=full"),
        ("-O3", "-mavx2", "-fno-plt"),
    ],
    ids=lambda flags: flags[0].strip("-"),
)
def test_stack_is_gdbs(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build(tmp_path, "stacks", SOURCE, *FLAGS, *flags)
    assert len(check(program)) > len(CHAIN)
