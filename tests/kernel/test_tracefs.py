"""tracefs, against what a separate mount of it shows."""

from __future__ import annotations

import os
import subprocess

import pytest

from dscript.kernel import tracefs

needs_tracefs = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

FORMAT = """name: sched_process_exec
ID: 354
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
\tfield:char comm[16];\toffset:16;\tsize:16;\tsigned:0;
\tfield:const struct foo * (*ptr)(int);\toffset:32;\tsize:8;\tsigned:0;
\tfield:__rel_loc unsigned char[] data;\toffset:40;\tsize:4;\tsigned:0;

print fmt: "filename=%s", __get_str(filename)
"""


def test_fields_of_a_format():
    fields = {f.name: f for f in tracefs.parse_format(FORMAT)}
    assert fields["common_type"].common
    assert not fields["pid"].common
    pid = fields["pid"]
    assert (pid.type, pid.offset, pid.size, pid.signed) == ("pid_t", 12, 4, True)
    assert (fields["comm"].type, fields["comm"].size) == ("char [16]", 16)
    assert (fields["filename"].type, fields["filename"].dynamic) == ("char[]", True)
    assert not fields["filename"].relative
    assert fields["data"].relative and fields["data"].dynamic


@pytest.fixture(scope="module")
def witness():
    """`cat` in a mount namespace of its own, where tracefs is mounted at /sys/kernel/tracing."""

    def read(path: str) -> str:
        mounted = (
            "[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing"
        )
        script = f"{mounted}; cat /sys/kernel/tracing/{path}"
        command = ["unshare", "-m", "sh", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return read


@needs_tracefs
def test_events_are_those_of_available_events(witness):
    expected = sorted(tuple(line.split(":")) for line in witness("available_events").split())
    assert tracefs.events() == expected
    assert ("sched", "sched_switch") in tracefs.events()


@needs_tracefs
def test_identifier_of_an_event(witness):
    assert tracefs.event_id("sched", "sched_switch") == int(witness("events/sched/sched_switch/id"))
    assert tracefs.event_id("sched", "no_such_event") is None
    assert tracefs.event_id("..", "events") is None


@needs_tracefs
def test_fields_add_up_to_the_lines_of_the_format(witness):
    text = witness("events/sched/sched_switch/format")
    fields = tracefs.fields("sched", "sched_switch")
    assert fields is not None
    assert len(fields) == text.count("\tfield:")
    assert [f"offset:{f.offset};\tsize:{f.size};" in text for f in fields] == [True] * len(fields)


def test_mounting_leaves_the_machine_as_it_is():
    with open("/proc/self/mounts") as file:
        before = file.read()
    tracefs.events()
    with open("/proc/self/mounts") as file:
        assert file.read() == before
