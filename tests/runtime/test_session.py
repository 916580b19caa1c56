"""Whole runs on the running kernel, without the compiler."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time

import pytest
from bpf_objects import MAGIC, build, emit, helper, on_magic
from runtime_support import RememberingSink, interrupting, magic_calls, program

from dscript.errors import TracingError
from dscript.program import Attachment, DropKind
from dscript.runtime.session import Session
from dscript.runtime.target import start_command, take_process

ALLOCA = "  %dropkey = alloca i32, align 4"
HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))
BEGIN = Attachment("begin", "begin", (1,))
END = Attachment("end", "end", (2,))


def once(name: str, clause: int, value: str = "0", head: str = "") -> str:
    """A syscall program that submits one record."""
    return f"""
define dso_local i32 @{name}(ptr %ctx) section "syscall" {{
entry:
{ALLOCA}
{head}
{emit(name, clause, clause, value, then="out")}
out:
  ret i32 0
}}
"""


def exiting(name: str, status: int) -> str:
    """A syscall program that does what exit() does, without a record."""
    return f"""
define dso_local i32 @{name}(ptr %ctx) section "syscall" {{
  store volatile i64 {status}, ptr getelementptr (i8, ptr @state, i64 16)
  store volatile i64 2, ptr @state
  ret i32 0
}}
"""


PID = f"  %pt = call i64 {helper(14)}()\n  %tgid = lshr i64 %pt, 32\n"
RECORD_HIT = on_magic("hit", PID + emit("a", 5, 7, "%tgid", then="out"), head=ALLOCA)
WORK = (
    f"{sys.executable} -c 'import ctypes; s = ctypes.CDLL(None).syscall\n"
    f"for _ in range(%d): s({MAGIC})'"
)


@pytest.fixture(scope="module")
def traced() -> bytes:
    return build(once("begin", 1) + once("end", 2) + RECORD_HIT, ring_size=1 << 22)


def test_command_is_held_until_probes_are_on_and_every_call_is_seen(traced: bytes) -> None:
    command = start_command(WORK % 3000)
    sink = RememberingSink()
    status = Session(program(traced, BEGIN, HIT, END), sink, [command]).run()
    assert status == 0
    assert sink.records[0][0] == 1 and sink.records[-1][0] == 2
    assert sink.records[1:-1] == [(5, 7, command.pid)] * 3000
    assert sink.notices == [f"pid {command.pid} has exited"]
    assert sink.finished == 1 and sink.drops == {}


def test_exit_in_begin_skips_the_trace_but_runs_end() -> None:
    data = build(exiting("begin", 3) + once("end", 2) + RECORD_HIT)
    command = start_command("/bin/sleep 60")
    sink = RememberingSink()
    started = time.monotonic()
    assert Session(program(data, BEGIN, HIT, END), sink, [command]).run() == 3
    assert time.monotonic() - started < 5
    assert [clause for clause, _, _ in sink.records] == [2]
    assert not os.path.exists(f"/proc/{command.pid}")  # killed and reaped


def test_exit_record_gives_the_status_and_later_records_are_still_shown(traced: bytes) -> None:
    def leave(sink: RememberingSink, clause: int, value: int) -> None:
        if clause == 5 and sink.exit_status is None:
            sink.exit_status = 4

    sink = RememberingSink(on_record=leave)
    command = start_command(WORK % 50)
    assert Session(program(traced, BEGIN, HIT, END), sink, [command]).run() == 4
    assert sink.records[-1][0] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_in_order(traced: bytes, number: int) -> None:
    sink = RememberingSink()
    before = signal.getsignal(number)
    with interrupting(0.3, number, times=3):
        assert Session(program(traced, BEGIN, HIT, END), sink).run() == 0
    assert [clause for clause, _, _ in sink.records] == [1, 2]
    assert sink.finished == 1
    assert sink.interruptions == 1
    assert signal.getsignal(number) is before


def test_broken_pipe_ends_quietly(traced: bytes) -> None:
    def fail(sink: RememberingSink, clause: int, value: int) -> None:
        if clause == 5:
            raise BrokenPipeError(32, "Broken pipe")

    sink = RememberingSink(on_record=fail)
    command = start_command(WORK % 50)
    assert Session(program(traced, BEGIN, HIT, END), sink, [command]).run() == 0
    assert sink.finished == 0


def test_failed_write_is_an_error(traced: bytes) -> None:
    def fail(sink: RememberingSink, clause: int, value: int) -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(TracingError, match="No space left on device"):
        Session(program(traced, BEGIN, END), RememberingSink(on_record=fail)).run()


def test_taken_process_ends_the_run(traced: bytes) -> None:
    process = subprocess.Popen(["/bin/sleep", "0.4"])
    try:
        sink = RememberingSink()
        Session(program(traced, BEGIN, HIT, END), sink, [take_process(process.pid)]).run()
        assert sink.notices == [f"pid {process.pid} has exited"]
    finally:
        process.wait()


def test_full_ring_counts_its_drops() -> None:
    data = build(once("begin", 1) + once("end", 2) + RECORD_HIT, ring_size=4096)

    def dawdle(sink: RememberingSink, clause: int, value: int) -> None:
        if len(sink.records) < 20:
            time.sleep(0.01)

    sink = RememberingSink(on_record=dawdle)
    command = start_command(WORK % 20_000)
    Session(program(data, BEGIN, HIT, END), sink, [command]).run()
    hits = sum(1 for clause, _, _ in sink.records if clause == 5)
    assert hits + sink.drops[DropKind.RECORD] == 20_000
    assert hits < 20_000


def test_load_words_reach_the_programs() -> None:
    words = ("target", "pid", "ppid", "uid", "cpu_count", "pidns_dev", "pidns_ino")
    body = "".join(
        once(
            f"begin{index}",
            index,
            "%w",
            head=f"  %w = load volatile i64, ptr getelementptr (i8, ptr @words, i64 {8 * index})",
        )
        for index in range(len(words))
    )
    begins = [Attachment(f"begin{index}", "begin", (1,)) for index in range(len(words))]
    data = build(body + exiting("last", 0), words=len(words))
    sink = RememberingSink()
    command = start_command("/bin/true")
    last = Attachment("last", "begin", (1,))
    Session(program(data, *begins, last, load_words=words), sink, [command]).run()
    cpus = len(os.listdir("/sys/bus/cpu/devices"))
    namespace = os.stat("/proc/self/ns/pid")
    initial = namespace.st_ino == 0xEFFFFFFC
    assert [value for _, _, value in sink.records] == [
        command.pid,
        os.getpid(),
        os.getppid(),
        os.getuid(),
        cpus,
        0 if initial else namespace.st_dev,
        0 if initial else namespace.st_ino,
    ]


def test_error_records_reach_the_sink() -> None:
    head = struct.pack("<IIIIII", 0xFFFFFFFF, 7, 1, 0, 0, 0)
    body = head + struct.pack("<IIIIQ", 3, 2, 4, 0xFFFFFFFF, 0xDEAD)
    fills = "\n".join(
        f"  %f{i} = getelementptr i8, ptr %r, i64 {8 * i}\n"
        f"  store i64 {int.from_bytes(body[8 * i : 8 * i + 8], 'little', signed=True)}, ptr %f{i}"
        for i in range(6)
    )
    data = build(
        f"""
define dso_local i32 @begin(ptr %ctx) section "syscall" {{
  %r = call ptr {helper(131)}(ptr @records, i64 48, i64 0)
  %got = icmp ne ptr %r, null
  br i1 %got, label %fill, label %out
fill:
{fills}
  call i64 {helper(132)}(ptr %r, i64 0)
  br label %out
out:
  ret i32 0
}}
"""
        + exiting("last", 0)
    )
    sink = RememberingSink()
    Session(program(data, BEGIN, Attachment("last", "begin", (1,))), sink).run()
    assert sink.errors == [(7, 1, 3, 2, 4, 0xFFFFFFFF, 0xDEAD)]
    assert sink.records == []


def test_probes_are_silent_before_begin_is_done(traced: bytes) -> None:
    """Calls made between attaching and the end of BEGIN do not fire."""

    def call(sink: RememberingSink, clause: int, value: int) -> None:
        if clause == 1:  # consumed before the probes start
            magic_calls(10)
            os.kill(os.getpid(), signal.SIGINT)

    sink = RememberingSink(on_record=call)
    Session(program(traced, BEGIN, HIT, END), sink).run()
    assert [clause for clause, _, _ in sink.records] == [1, 2]


def test_a_held_command_shows_nothing_of_the_holding() -> None:
    """Held after exec: no execve (59), no pipe is read (0), the dynamic loader's brk (12) first."""
    hit = f"""
define dso_local i32 @hit(ptr %ctx) section "raw_tp" {{
entry:
{ALLOCA}
  %active = load volatile i64, ptr @state
  %live = icmp eq i64 %active, 1
  br i1 %live, label %test, label %out
test:
{PID}
  %target = load volatile i64, ptr @words
  %mine = icmp eq i64 %tgid, %target
  %at = getelementptr i8, ptr %ctx, i64 8
  %id = load i64, ptr %at
  br i1 %mine, label %hit, label %out
hit:
{emit("a", 5, 7, "%id", then="out")}
out:
  ret i32 0
}}
"""
    sink = RememberingSink()
    compiled = program(build(hit), HIT, load_words=("target",))
    Session(compiled, sink, [start_command("/bin/true")]).run()
    calls = [value for _, _, value in sink.records]
    assert calls[0] == 12
    assert 59 not in calls
