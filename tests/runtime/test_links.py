"""Attaching: clocks keep their rate, tracepoints fire, refusals are plain sentences."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import threading
import time

import pytest
from bpf_objects import build, emit, helper, on_magic
from runtime_support import RememberingSink, children, interrupting, program

from dscript.errors import TracingError
from dscript.kernel.topology import cpu_list
from dscript.program import Attachment
from dscript.runtime import links
from dscript.runtime.libbpf import BpfObject
from dscript.runtime.links import Links
from dscript.runtime.session import Session
from dscript.runtime.target import Target

ONLINE = len(cpu_list("online"))


def active(name: str, section: str, test: str = "br label %hit") -> str:
    """A program that records its attach cookie while probes are active and `test` agrees."""
    return f"""
define dso_local i32 @{name}(ptr %ctx) section "{section}" {{
entry:
  %dropkey = alloca i32, align 4
  %active = load volatile i64, ptr @state
  %live = icmp eq i64 %active, 1
  br i1 %live, label %test, label %out
test:
  {test}
hit:
  %cookie = call i64 {helper(174)}(ptr %ctx)
{emit("a", 5, 7, "%cookie", then="out")}
out:
  ret i32 0
}}
"""


# Only this process, by its PID in the initial namespace; the tests read /proc for it.
def own_process() -> str:
    with open("/proc/self/status") as file:
        pid = next(line.split()[1] for line in file if line.startswith("Tgid:"))
    return f"""
  %pt = call i64 {helper(14)}()
  %tgid = lshr i64 %pt, 32
  %mine = icmp eq i64 %tgid, {pid}
  br i1 %mine, label %hit, label %out
"""


def refuses(attachment: Attachment, data: bytes) -> bool:
    """Whether this kernel has no such mechanism at all."""
    try:
        loaded = BpfObject(data)
        loaded.prepare((attachment,))
        loaded.load()
        attached = Links()
        attached.attach(attachment, loaded.program_fd("hit"))
    except TracingError:
        return True
    attached.close()
    loaded.close()
    return False


def cookies_of_run(data: bytes, *attachments: Attachment, seconds: float = 0.5) -> list[int]:
    sink = RememberingSink()
    with interrupting(seconds):
        Session(program(data, *attachments), sink).run()
    assert sink.drops == {}
    return [value for _, _, value in sink.records]


def spin(index: int) -> None:
    """Keep CPU `index` busy: a virtual machine may suspend the clock of an idle one."""
    os.sched_setaffinity(0, {cpu_list("online")[index]})
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        pass


def test_clocks_keep_their_rate() -> None:
    """1.05 s: profile-97 fires 101 times on each CPU, tick-10 ten times in all."""
    data = build(active("profile", "perf_event") + active("tick", "perf_event"), ring_size=1 << 22)
    with children(ONLINE, spin):
        cookies = cookies_of_run(
            data,
            Attachment("profile", "profile", (7,), cookies=(41,), period_ns=10_309_278),
            Attachment("tick", "tick", (7,), cookies=(42,), period_ns=100_000_000),
            seconds=1.05,
        )
    profile, tick = cookies.count(41), cookies.count(42)
    assert profile + tick == len(cookies)
    # The machine may be busy; 102 is the most that fits unless the end was late.
    assert 0.7 * 101 * ONLINE <= profile <= 1.3 * 102 * ONLINE
    assert 7 <= tick <= 13


def test_tick_fires_on_an_idle_machine() -> None:
    data = build(active("tick", "perf_event"))
    attachment = Attachment("tick", "tick", (7,), cookies=(42,), period_ns=50_000_000)
    assert 7 <= len(cookies_of_run(data, attachment, seconds=0.55)) <= 12


def test_first_tick_comes_one_period_after_the_start() -> None:
    assert (
        cookies_of_run(
            build(active("tick", "perf_event")),
            Attachment("tick", "tick", (7,), cookies=(1,), period_ns=10_000_000_000),
            seconds=0.3,
        )
        == []
    )


@pytest.fixture
def tracefs() -> None:
    """tracefs, mounted in a mount namespace of this process if nobody has."""
    if os.path.isdir("/sys/kernel/tracing/events"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    new_namespace, private = 0x20000, 0x44000  # CLONE_NEWNS, MS_REC | MS_PRIVATE
    assert libc.unshare(new_namespace) == 0
    assert libc.mount(b"none", b"/", None, ctypes.c_ulong(private), None) == 0
    if libc.mount(b"tracefs", b"/sys/kernel/tracing", b"tracefs", ctypes.c_ulong(0), None):
        pytest.skip("tracefs cannot be mounted")


@pytest.mark.usefixtures("tracefs")
@pytest.mark.parametrize(
    ("kind", "target", "section"),
    [
        ("raw_tp", "sys_enter", "raw_tp"),
        ("tp_btf", "sys_enter", "tp_btf/sys_enter"),
        ("perf_tp", "raw_syscalls/sys_enter", "tracepoint"),
        ("perf_tp", "syscalls/sys_enter_getpgid", "tracepoint"),
    ],
)
def test_tracepoints_fire_with_their_cookie(kind: str, target: str, section: str) -> None:
    data = build(active("hit", section, own_process()), ring_size=1 << 22)
    attachment = Attachment("hit", kind, (7,), (target,), (77,))
    if refuses(attachment, data):
        pytest.skip(f"this kernel has no {kind} with cookies")
    stop = time.monotonic() + 0.3

    def call() -> None:
        while time.monotonic() < stop:
            os.getpgid(0)
            time.sleep(0.01)

    threading.Thread(target=call).start()
    cookies = cookies_of_run(data, attachment)
    assert len(cookies) > 5
    assert set(cookies) == {77}


def test_one_program_on_two_raw_tracepoints_tells_them_apart() -> None:
    data = build(active("hit", "raw_tp", own_process()), ring_size=1 << 22)
    attachment = Attachment("hit", "raw_tp", (7, 8), ("sys_enter", "sys_exit"), (7, 8))
    if refuses(attachment, data):
        pytest.skip("this kernel has no raw tracepoints with cookies")
    cookies = cookies_of_run(data, attachment, seconds=0.2)
    assert set(cookies) == {7, 8}


@pytest.mark.usefixtures("tracefs")
@pytest.mark.parametrize(
    ("kind", "target", "message"),
    [
        ("raw_tp", "no_such_tracepoint", "raw tracepoint no_such_tracepoint: it does not exist"),
        ("tp_btf", "no_such_tracepoint", "no_such_tracepoint is not in the kernel's type info"),
        ("perf_tp", "sched/no_such", "tracepoint sched/no_such does not exist"),
        ("fentry", "no_such_function", "no_such_function is not in the kernel's type info"),
    ],
)
def test_unknown_targets_are_named(kind: str, target: str, message: str) -> None:
    data = build(
        active("hit", "raw_tp").replace(f"call i64 {helper(174)}(ptr %ctx)", "add i64 0, 0")
    )
    with pytest.raises(TracingError, match=message):
        Session(program(data, Attachment("hit", kind, (7,), (target,))), RememberingSink()).run()


HAS_KPROBES = os.path.exists(links._KPROBE_PMU)


@pytest.mark.skipif(HAS_KPROBES, reason="this kernel has kprobes")
@pytest.mark.parametrize("kind", ["kprobe", "kretprobe"])
def test_missing_kprobes_are_explained(kind: str) -> None:
    data = build(active("hit", "kprobe"))
    attachment = Attachment("hit", kind, (7,), ("do_sys_openat2",), (1,))
    with pytest.raises(TracingError, match="this kernel has no kprobes") as caught:
        Session(program(data, attachment), RememberingSink()).run()
    assert "CONFIG_KPROBES" in caught.value.message
    assert caught.value.hint is not None


@pytest.mark.skipif(HAS_KPROBES, reason="this kernel has kprobes")
def test_missing_kprobe_multi_link_is_explained() -> None:
    data = build(active("hit", "kprobe"))
    attachment = Attachment("hit", "kprobe_multi", (7,), ("vfs_read", "vfs_write"), (1, 2))
    with pytest.raises(
        TracingError, match=r"kprobe multi-link.*(does not support it|without support)"
    ):
        Session(program(data, attachment), RememberingSink()).run()


def read_files(reads: int) -> None:
    """Open and read a file so often, then end tracing."""
    for _ in range(reads):
        with open("/proc/self/status", "rb", buffering=0) as file:
            file.read()
    os.kill(os.getpid(), signal.SIGINT)


class WorkOnceStarted(Target):
    """A stand-in for a command: when tracing is on, this process reads files and ends it."""

    def release(self) -> None:
        threading.Thread(target=read_files, args=(30,)).start()


def cookies_of_reads(data: bytes, *attachments: Attachment) -> tuple[list[int], list[str]]:
    sink = RememberingSink()
    Session(program(data, *attachments), sink, [WorkOnceStarted(os.getpid())]).run()
    return [value for _, _, value in sink.records], sink.notices


@pytest.mark.parametrize("kind", ["kprobe", "kretprobe", "kprobe_multi", "kretprobe_multi"])
def test_kernel_functions_fire_with_their_cookies(kind: str) -> None:
    data = build(active("hit", "kprobe", own_process()), ring_size=1 << 22)
    functions = ("do_sys_openat2", "vfs_read")
    attachment = Attachment("hit", kind, (7, 8), functions, (70, 80))
    if refuses(attachment, data):
        pytest.skip(f"this kernel has no {kind}")
    cookies, notices = cookies_of_reads(data, attachment)
    assert notices == []
    assert cookies.count(70) >= 30 and cookies.count(80) >= 30
    assert set(cookies) == {70, 80}


@pytest.mark.parametrize("kind", ["fentry", "fexit"])
def test_function_trampolines_fire_with_their_cookie(kind: str) -> None:
    data = build(active("hit", f"{kind}/vfs_read", own_process()), ring_size=1 << 22)
    attachment = Attachment("hit", kind, (7,), ("vfs_read",), (70,))
    if refuses(attachment, data):
        pytest.skip(f"this kernel has no {kind}")
    cookies, _ = cookies_of_reads(data, attachment)
    assert len(cookies) >= 30
    assert set(cookies) == {70}


def test_a_bad_function_of_a_multi_link_is_singled_out() -> None:
    data = build(active("hit", "kprobe", own_process()))
    functions = ("vfs_read", "no_such_function", "vfs_write")
    attachment = Attachment("hit", "kprobe_multi", (7,), functions, (1, 2, 3))
    if refuses(attachment, data):
        pytest.skip("this kernel has no kprobe multi-links")
    _, notices = cookies_of_reads(data, attachment)
    assert notices == ["1 kernel function cannot be probed: no_such_function"]


def test_closing_links_closes_their_descriptors() -> None:
    hit_program = on_magic("hit", "  br label %out")
    loaded = BpfObject(build(hit_program + active("tick", "perf_event")))
    hit = Attachment("hit", "raw_tp", (7,), ("sys_enter",))
    tick = Attachment("tick", "tick", (7,), (), (1,), 1_000_000_000)
    loaded.prepare((hit, tick))
    loaded.load()
    before = len(os.listdir("/proc/self/fd"))
    attached = Links()
    for attachment in (hit, tick):
        attached.attach(attachment, loaded.program_fd(attachment.program))
    assert len(os.listdir("/proc/self/fd")) == before + 3  # two links, one event
    attached.close()
    assert len(os.listdir("/proc/self/fd")) == before
    loaded.close()


def test_many_links_raise_the_limit_of_open_files() -> None:
    hit = on_magic("hit", "  br label %out")
    names = ("sys_enter",) * 700
    sink = RememberingSink()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, limits[1]))
    try:
        with interrupting(0.3):
            Session(program(build(hit), Attachment("hit", "raw_tp", (7,), names)), sink).run()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1400
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert sink.finished == 1
