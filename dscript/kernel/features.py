"""What this kernel lets this user do, found by trying it; never by comparing versions.

Each test loads a program that does nothing (and links it for an instant, where loading
proves nothing).  Answers are kept in the user's cache for this boot and these capabilities.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from dscript.kernel import cachedir

_CACHE = "features.json"
_FORMAT = 2

# Functions a test may attach to for an instant: the kernel's own BPF test function where it
# has it, else one that is everywhere.
_SUBJECTS = ("bpf_fentry_test1", "vfs_read")

CAPABILITIES = {
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_SYS_RESOURCE": 24,
    "CAP_SYSLOG": 34,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}

# Helper numbers (enum bpf_func_id) of what dscript uses or would like to use.
HELPERS = {
    "probe_write_user": 36,
    "get_stack": 67,
    "send_signal": 109,
    "probe_read_user": 112,
    "probe_read_kernel": 113,
    "probe_read_user_str": 114,
    "probe_read_kernel_str": 115,
    "send_signal_thread": 117,
    "jiffies64": 118,
    "get_ns_current_pid_tgid": 120,
    "ringbuf_reserve": 131,
    "get_task_stack": 141,
    "d_path": 147,
    "task_storage_get": 156,
    "get_current_task_btf": 158,
    "for_each_map_elem": 164,
    "snprintf": 165,
    "get_func_ip": 173,
    "get_attach_cookie": 174,
    "task_pt_regs": 175,
    "find_vma": 180,
    "loop": 181,
    "strncmp": 182,
    "map_lookup_percpu_elem": 195,
    "ktime_get_tai_ns": 208,
}


class Feature(NamedTuple):
    """`why` is empty when it works, else one phrase for a message."""

    works: bool
    why: str = ""


def feature(name: str) -> Feature:
    """The answer of one test of `NAMES`; raises KeyError for another name."""
    test = _TESTS[name]
    if name in _assumed:
        return Feature(True)
    known = _known()
    if name not in known:
        known[name] = test()
        _save(known)
    return known[name]


def works(name: str) -> bool:
    return feature(name).works


# Features that `assume` was told of.
_assumed: set[str] = set()


def assume(*names: str) -> None:
    """Take these features, and no others, to be there: for programs that will run elsewhere.

    `helper NAME` stands for one of `HELPERS`.
    """
    _assumed.clear()
    _assumed.update(names)


def helper(name: str) -> Feature:
    """Whether raw tracepoint programs may call a helper of `HELPERS`."""
    known = _known()
    key = f"helper {name}"
    if key in _assumed:
        return Feature(True)
    if key not in known:
        known[key] = _try_helper(HELPERS[name])
        _save(known)
    return known[key]


@lru_cache(maxsize=1)
def effective_capabilities() -> int:
    """CapEff of /proc/self/status as a bit mask."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("CapEff:"):
                    return int(line.split()[1], 16)
    except OSError:
        return 0
    return 0


def missing_capabilities() -> list[str]:
    """Those of `CAPABILITIES` this process lacks; CAP_SYS_ADMIN stands for BPF, PERFMON, SYSLOG."""
    held = effective_capabilities()
    admin = held >> CAPABILITIES["CAP_SYS_ADMIN"] & 1
    implied = ("CAP_BPF", "CAP_PERFMON", "CAP_SYSLOG") if admin else ()
    return [
        name for name, bit in CAPABILITIES.items() if not held >> bit & 1 and name not in implied
    ]


@lru_cache(maxsize=1)
def lockdown() -> str:
    """`none`, `integrity`, `confidentiality`, or `unknown` without securityfs."""
    from dscript.kernel.mounts import private_mount

    for base in ("/sys/kernel/security", private_mount("securityfs")):
        try:
            with open(f"{base}/lockdown", encoding="ascii") as file:
                text = file.read()
        except OSError:
            continue
        return text.partition("[")[2].partition("]")[0] or "unknown"
    return "unknown"


# ------------------------------------------------------------------------------- tests


def _btf() -> Feature:
    from dscript.kernel import btf

    if btf.vmlinux() is not None:
        return Feature(True)
    return Feature(False, "the kernel was built without CONFIG_DEBUG_INFO_BTF")


def _tracefs() -> Feature:
    from dscript.kernel import tracefs

    return Feature(True) if tracefs.root() else Feature(False, "not mounted, and mounting failed")


def _ring_buffer() -> Feature:
    from dscript.kernel import bpf

    return _result(bpf.map_create(bpf.MAP_RINGBUF, 0, 0, os.sysconf("SC_PAGE_SIZE")))


def _loads(kind: int, flags: int = 0) -> Feature:
    from dscript.kernel import bpf

    descriptor, log = bpf.prog_load(kind, flags=flags)
    return _result(descriptor, log)


def _raw_tp() -> Feature:
    from dscript.kernel import bpf

    return _linked(
        bpf.prog_load(bpf.PROG_RAW_TRACEPOINT),
        lambda prog: bpf.raw_tracepoint_open(prog, "sys_enter"),
    )


def _tp_btf() -> Feature:
    from dscript.kernel import bpf, btf

    types = btf.vmlinux()
    found = types.find(btf.Kind.TYPEDEF, "btf_trace_sys_enter") if types is not None else None
    if found is None:
        return Feature(False, "no tracepoint types in BTF")
    loaded = bpf.prog_load(bpf.PROG_TRACING, attach_type=bpf.TRACE_RAW_TP, btf_id=found)
    return _linked(loaded, bpf.raw_tracepoint_open)


def _trampoline(attach_type: int) -> Feature:
    """fentry and fexit."""
    from dscript.kernel import bpf, btf

    types = btf.vmlinux()
    subjects = (types.find(btf.Kind.FUNC, name) for name in _SUBJECTS) if types else ()
    found = next((type_id for type_id in subjects if type_id is not None), None)
    if found is None:
        return Feature(False, "no function types in BTF")
    loaded = bpf.prog_load(bpf.PROG_TRACING, attach_type=attach_type, btf_id=found)
    return _linked(loaded, bpf.raw_tracepoint_open)


def _kprobe_multi() -> Feature:
    from dscript.kernel import bpf

    results = [
        _linked(
            bpf.prog_load(bpf.PROG_KPROBE, attach_type=bpf.KPROBE_MULTI),
            lambda prog, name=name: bpf.link_kprobe_multi(prog, name),  # type: ignore[misc]
        )
        for name in _SUBJECTS
    ]
    return next((result for result in results if result.works), results[-1])


def _kprobe() -> Feature:
    from dscript.kernel import bpf

    results = [_result(bpf.perf_kprobe(name)) for name in _SUBJECTS]
    found = next((result for result in results if result.works), None)
    if found is not None:
        return found
    if not os.path.exists("/sys/bus/event_source/devices/kprobe"):
        return Feature(False, "the kernel was built without CONFIG_KPROBE_EVENTS")
    return results[-1]


def _uprobe() -> Feature:
    if os.path.exists("/sys/bus/event_source/devices/uprobe"):
        return Feature(True)
    return Feature(False, "the kernel was built without CONFIG_UPROBE_EVENTS")


def _uprobe_multi() -> Feature:
    """A link on a directory is refused with EBADF by kernels that know such links."""
    from dscript.kernel import bpf

    prog, log = bpf.prog_load(bpf.PROG_KPROBE, attach_type=bpf.UPROBE_MULTI)
    if prog < 0:
        return _result(prog, log)
    link = bpf.link_uprobe_multi(prog, "/", 0)
    bpf.close(prog)
    return Feature(True) if link in (-errno.EBADF, -errno.EISDIR) else _result(link)


def _profile() -> Feature:
    from dscript.kernel import bpf

    # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK
    return _result(bpf.perf_event_open(1, 0, period=1_000_000_000))


def _linked(loaded: tuple[int, str], attach: Callable[[int], int]) -> Feature:
    from dscript.kernel import bpf

    prog, log = loaded
    if prog < 0:
        return _result(prog, log)
    link = attach(prog)
    bpf.close(prog)
    return _result(link)


def _try_helper(number: int) -> Feature:
    from dscript.kernel import bpf

    descriptor, log = bpf.prog_load(bpf.PROG_RAW_TRACEPOINT, bpf.call_helper(number))
    if descriptor >= 0:
        bpf.close(descriptor)
        return Feature(True)
    if descriptor == -errno.EPERM and "helper" not in log:
        return _result(descriptor)
    # The verifier looks at the arguments only of helpers that this kind of program may call.
    # (Texts: check_helper_call in kernel/bpf/verifier.c, old and new wording.)
    for text, why in (
        ("invalid func", "unknown to this kernel"),
        ("unknown func", "not allowed in tracing programs"),
        ("cannot use helper", "not allowed in tracing programs"),
        ("not allowed", "not allowed in tracing programs"),
    ):
        if text in log:
            return Feature(False, why)
    return Feature(True)


def _result(descriptor: int, log: str = "") -> Feature:
    from dscript.kernel import bpf

    if descriptor >= 0:
        bpf.close(descriptor)
        return Feature(True)
    code = -descriptor
    if code == errno.EPERM:
        needed = [name for name in missing_capabilities() if name in ("CAP_BPF", "CAP_PERFMON")]
        why = f"{needed[0]} is missing" if needed else "the kernel refuses it (EPERM)"
    elif code in (errno.EINVAL, errno.EOPNOTSUPP, 524, errno.ENOENT, errno.ENODEV):
        why = f"this kernel does not have it ({_errno_name(code)})"
    else:
        why = f"{os.strerror(code)} ({_errno_name(code)})"
    last = log.strip().splitlines()[-1:] if log else []
    return Feature(False, ": ".join([why, *last]))


def _errno_name(code: int) -> str:
    return "ENOTSUPP" if code == 524 else errno.errorcode.get(code, str(code))


_TESTS: dict[str, Callable[[], Feature]] = {
    "btf": _btf,
    "tracefs": _tracefs,
    "ring_buffer": _ring_buffer,
    "syscall_prog": lambda: _loads(31, flags=1 << 4),
    "raw_tp": _raw_tp,
    "tp_btf": _tp_btf,
    "perf_tp": lambda: _loads(5) if works("tracefs") else feature("tracefs"),
    "profile": _profile,
    "fentry": lambda: _trampoline(24),
    "fexit": lambda: _trampoline(25),
    "kprobe_multi": _kprobe_multi,
    "kprobe": _kprobe,
    "uprobe_multi": _uprobe_multi,
    "uprobe": _uprobe,
}
NAMES = tuple(_TESTS)


# ------------------------------------------------------------------------------- cache


def _key() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = "unknown"
    return f"{_FORMAT} {boot} {os.geteuid()} {effective_capabilities():x}"


@lru_cache(maxsize=1)
def _known() -> dict[str, Feature]:
    saved = cachedir.read(_CACHE)
    if saved is None:
        return {}
    try:
        content = json.loads(saved)
        if content["key"] != _key():
            return {}
        return {name: Feature(*answer) for name, answer in content["features"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _save(known: dict[str, Feature]) -> None:
    cachedir.write(_CACHE, json.dumps({"key": _key(), "features": known}).encode())
