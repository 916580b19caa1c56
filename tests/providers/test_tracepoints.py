"""sdt and rawtp on this machine's own tracepoints."""

from __future__ import annotations

import os

import pytest

from dscript.kernel import btf, tracefs
from dscript.providers import Pattern, arguments, match, tracepoints
from tests.providers.derived_support import traced

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def points(text: str):
    return match(Pattern(*text.split(":"))).points


def test_one_tracepoint():
    for text in ("sdt:sched::sched_switch", "tracepoint:sched::sched_switch", "sdt:::sched_switch"):
        (point,) = points(text)
        assert str(point.probe) == "sdt:sched::sched_switch"
        attach = point.attach
        assert (attach.kind, attach.target, attach.context) == ("raw_tp", "sched_switch", "raw_tp")


def test_a_category_has_the_events_of_tracefs():
    found = {point.probe.name for point in points("sdt:sched::")}
    assert found == {name for category, name in tracefs.events() if category == "sched"}


def test_all_attach_points_are_tracepoints_that_btf_knows():
    known = {name for _module, name in tracepoints.names()}
    raw = [p for p in points("sdt:::") if p.attach.kind == "raw_tp"]
    assert len(raw) > 500
    assert [p.attach.target for p in raw if p.attach.target not in known] == []


def test_system_call_events_attach_through_perf():
    (point,) = points("sdt:syscalls::sys_enter_openat")
    assert (point.attach.kind, point.attach.target) == ("perf_tp", "syscalls/sys_enter_openat")
    found = [(a.name, a.offset, a.size) for a in arguments(point)]
    assert found == [("dfd", 16, 8), ("filename", 24, 8), ("flags", 32, 8), ("mode", 40, 8)]


@pytest.mark.skipif(btf.vmlinux() is None, reason="kernel without BTF")
@pytest.mark.parametrize("text", ["sdt:sched::sched_process_exec", "rawtp:::sched_process_exec"])
def test_arguments_are_the_tracepoints_own(text):
    # include/trace/events/sched.h: TP_PROTO(struct task_struct *p, pid_t old_pid,
    # struct linux_binprm *bprm)
    (point,) = points(text)
    assert [(a.name, a.d_type, a.word) for a in arguments(point)] == [
        ("p", "struct task_struct *", 0),
        ("old_pid", "pid_t", 1),
        ("bprm", "struct linux_binprm *", 2),
    ]


def test_the_typedef_serves_without_the_calling_function(monkeypatch):
    monkeypatch.setattr(tracepoints, "_CALLER", "no_such_prefix_")
    types = [a.d_type for a in tracepoints.arguments("sched_process_exec")]
    assert types == ["struct task_struct *", "pid_t", "struct linux_binprm *"]


def test_ids_do_not_overlap():
    sdt = [p.probe.id for p in points("tracepoint:::")]
    raw = [p.probe.id for p in points("rawtp:::")]
    for ids in (sdt, raw):
        assert len(set(ids)) == len(ids)
    assert min(sdt) >= 3000 and max(sdt) < 8000 <= min(raw) and max(raw) < 20_000


def test_a_wrong_category_names_the_right_one():
    found = match(Pattern("sdt", "block", "", "sched_switch"))
    assert found.points == ()
    assert found.reason is not None and "sdt:sched::sched_switch" in found.reason


def test_near_misses():
    assert match(Pattern("sdt", "sched", "", "sched_swich")).suggestion == (
        "did you mean sdt:sched::sched_switch?"
    )
    assert match(Pattern("rawtp", "", "", "sched_swich")).suggestion == (
        "did you mean rawtp:::sched_switch?"
    )


def test_a_tracepoint_of_two_providers_fires_both(tmp_path):
    """In one clause and in several; the events are the same ones."""
    seen, _ = traced(
        tmp_path,
        "rawtp:::sched_process_fork, sdt:sched::sched_process_fork "
        "/pid == $target/ { @[probeprov, probename] = count(); } "
        'sdt:sched::sched_process_fork /pid == $target/ { @["again", probeprov] = count(); } '
        'END { printa("%s %s %@d\\n", @); }',
        "for _ in range(6):\n    pid = os.fork()\n    if pid == 0: os._exit(0)\n"
        "    os.waitpid(pid, 0)\n",
    )
    counts = {(first, second): int(count) for first, second, count in seen}
    assert counts == {
        ("rawtp", "sched_process_fork"): 6,
        ("sdt", "sched_process_fork"): 6,
        ("again", "sdt"): 6,
    }
