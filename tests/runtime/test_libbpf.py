"""Loading: refusals by the verifier become one sentence; nothing stays in the kernel."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import time

import pytest
from bpf_objects import LOCATION, PERCPU_HASH, PROGRAM, MapDef, build, on_magic
from runtime_support import program

from dscript.errors import TracingError
from dscript.program import Attachment
from dscript.runtime import bpf
from dscript.runtime.kernel_side import KernelSide
from dscript.runtime.libbpf import BpfObject
from dscript.runtime.rejection import load_failure, reason, source_line

HIT = Attachment("hit", "raw_tp", (7,), ("sys_enter",))


def load(data: bytes, *attachments: Attachment) -> None:
    loaded = BpfObject(data)
    try:
        loaded.prepare(attachments)
        loaded.load()
    finally:
        loaded.close()


def test_rejection_names_the_line_and_keeps_the_log(tmp_path, monkeypatch) -> None:
    """A load through a scalar on line 3 of test.d."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bad = on_magic(
        "hit",
        f"""
  %p = inttoptr i64 4096 to ptr
  %x = load volatile i64, ptr %p, !dbg {LOCATION}
  br label %out
""",
        debug=f"!dbg {PROGRAM}",
    )
    with pytest.raises(TracingError) as caught:
        load(build(bad, source="one\ntwo\nthree\n"), HIT)
    message, hint = caught.value.message, caught.value.hint
    # Kernels before 6.8 know the text of a line, not its number.
    assert "test.d:3" in message or "'three'" in message
    assert "\n" not in message
    assert "mem access 'scalar'" in message
    assert hint is not None
    path = re.search(r"/\S+", hint)
    assert path is not None
    status = os.stat(path[0])
    assert stat.S_IMODE(status.st_mode) == 0o600
    with open(path[0]) as file:
        log = file.read()
    assert "; three" in log
    assert "processed" in log


def test_source_line_and_reason_of_logs() -> None:
    new = "; a @ x.d:2\n1: (79) r1 = *(u64 *)(r6 +0)\nR1 is bad\nprocessed 3 insns (limit 9)\n"
    assert source_line(new) == "x.d:2"
    assert reason(new) == "R1 is bad"
    old = "; @[execname] = count();\n1: (85) call 5\nunknown func\nprocessed 3 insns (limit 9)\n"
    assert source_line(old) == "'@[execname] = count();'"
    assert source_line("0: (95) exit\n") == ""
    assert reason("") == "no reason given"


def test_refusals_without_a_log_name_the_program() -> None:
    messages = ["libbpf: prog 'p': BPF program load failed: Operation not permitted"]
    error = load_failure(1, "", messages)
    assert "BPF program 'p'" in error.message and "CAP_BPF" in error.message


def test_impossible_map_is_named() -> None:
    huge = MapDef("huge", PERCPU_HASH, 8, 1 << 20, 16)
    with pytest.raises(TracingError, match="map 'huge'"):
        load(build(on_magic("hit", "  br label %out"), [huge]), HIT)


def test_garbage_is_no_object() -> None:
    with pytest.raises(TracingError, match="cannot be read"):
        BpfObject(b"not an ELF file")


def test_missing_program_is_named() -> None:
    loaded = BpfObject(build(on_magic("hit", "  br label %out")))
    with pytest.raises(TracingError, match="no program 'other'"):
        loaded.prepare((Attachment("other", "raw_tp", (), ("sys_enter",)),))
    loaded.close()


def test_unused_programs_are_not_loaded() -> None:
    """A program no attachment names may even be wrong."""
    bad = (
        '\ndefine dso_local i32 @bad(ptr %ctx) section "raw_tp" {\n'
        "  %x = load volatile i64, ptr inttoptr (i64 8 to ptr)\n  ret i32 0\n}\n"
    )
    load(build(on_magic("hit", "  br label %out") + bad), HIT)


def test_words_beyond_rodata_are_refused() -> None:
    loaded = BpfObject(build(on_magic("hit", "  br label %out"), words=2))
    loaded.set_load_words((1, -1))
    with pytest.raises(TracingError, match="load-time words"):
        loaded.set_load_words((1, 2, 3))
    loaded.close()


def _object_ids(command: int) -> set[int]:
    """IDs of all programs (11), maps (12) or links (31) in the kernel."""
    found: set[int] = set()
    current = 0
    while True:
        attr = ctypes.create_string_buffer(struct.pack("<II", current, 0), 12)
        try:
            bpf.bpf(command, attr, "next id")
        except bpf.KernelError:
            return found
        current = struct.unpack_from("<I", attr.raw, 4)[0]
        found.add(current)


def _object_names() -> list[str]:
    """Names of the programs in the kernel that this test could have loaded."""
    names = []
    for number in _object_ids(11):
        try:
            fd = bpf.bpf(
                13, ctypes.create_string_buffer(struct.pack("<III", number, 0, 0), 12), "fd"
            )
        except bpf.KernelError:
            continue
        names.append(bpf._object_info(fd, 80)[64:80].split(b"\0")[0].decode())
        os.close(fd)
    return names


CHILD = """
import sys, time
sys.path[:0] = {path!r}
from test_libbpf import residue_program
from dscript.runtime.kernel_side import KernelSide
kernel = KernelSide(residue_program(sys.argv[1]), [])
kernel.attach()
kernel.start()
kernel.wait_for_programs()
print("ready", flush=True)
time.sleep(60)
"""


def residue_program(name: str):
    body = on_magic(name, "  br label %out")
    clock = f'define dso_local i32 @{name}_t(ptr %c) section "perf_event" {{\n  ret i32 0\n}}\n'
    return program(
        build(body + clock),
        Attachment(name, "raw_tp", (7,), ("sys_enter",)),
        Attachment(name + "_t", "profile", (7,), (), (), 10_000_000),
    )


def test_nothing_stays_after_sigkill() -> None:
    name = f"left{os.getpid()}"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(path=[os.path.dirname(__file__)]), name],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    assert {name, name + "_t"} <= set(_object_names())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 10  # the kernel frees programs after a grace period
    while (left := [n for n in _object_names() if n.startswith(name)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert left == []


def test_close_leaves_no_descriptor() -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    kernel = KernelSide(residue_program("closes"), [])
    kernel.attach()
    kernel.start()
    kernel.stop()
    kernel.close()
    del kernel
    assert sorted(os.listdir("/proc/self/fd")) == before
