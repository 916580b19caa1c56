"""The bpf(2) and perf_event_open(2) system calls, by ctypes.

Attribute layouts are those of `union bpf_attr` and `struct perf_event_attr` in the uapi
headers linux/bpf.h and linux/perf_event.h; the kernel accepts a prefix of them whose
missing tail it takes as zero.  Calls that fail raise `KernelError` with the errno; the
callers that face the user turn it into a `TracingError` by `explain`.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from typing import Final

from dscript.kernel.topology import cpu_list

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_ioctl = _libc.ioctl

_MACHINE: Final = os.uname().machine
# asm/unistd_64.h of x86-64; asm-generic/unistd.h for everything newer.
_NR_BPF: Final = 321 if _MACHINE == "x86_64" else 280
_NR_PERF_EVENT_OPEN: Final = 298 if _MACHINE == "x86_64" else 241

# enum bpf_cmd
MAP_CREATE: Final = 0
MAP_LOOKUP_ELEM: Final = 1
MAP_UPDATE_ELEM: Final = 2
MAP_DELETE_ELEM: Final = 3
MAP_GET_NEXT_KEY: Final = 4
PROG_LOAD: Final = 5
PROG_TEST_RUN: Final = 10
OBJ_GET_INFO_BY_FD: Final = 15
RAW_TRACEPOINT_OPEN: Final = 17
MAP_LOOKUP_BATCH: Final = 24
MAP_LOOKUP_AND_DELETE_BATCH: Final = 25
MAP_UPDATE_BATCH: Final = 26
LINK_CREATE: Final = 28

# enum bpf_attach_type
TRACE_RAW_TP: Final = 23
TRACE_FENTRY: Final = 24
TRACE_FEXIT: Final = 25
PERF_EVENT: Final = 41
TRACE_KPROBE_MULTI: Final = 42
TRACE_UPROBE_MULTI: Final = 48

# enum bpf_prog_type
PROG_TYPE_KPROBE: Final = 2
PROG_TYPE_TRACEPOINT: Final = 5
PROG_TYPE_PERF_EVENT: Final = 7
PROG_TYPE_RAW_TRACEPOINT: Final = 17
PROG_TYPE_TRACING: Final = 26
PROG_TYPE_SYSCALL: Final = 31

# enum bpf_map_type
MAP_TYPE_HASH: Final = 1
MAP_TYPE_ARRAY: Final = 2
MAP_TYPE_PERCPU_HASH: Final = 5
MAP_TYPE_PERCPU_ARRAY: Final = 6
MAP_TYPE_ARRAY_OF_MAPS: Final = 12
MAP_TYPE_RINGBUF: Final = 27

F_SLEEPABLE: Final = 1 << 4  # prog_flags
KPROBE_MULTI_RETURN: Final = 1  # link_create.kprobe_multi.flags
UPROBE_MULTI_RETURN: Final = 1  # link_create.uprobe_multi.flags

# perf_event_attr.type and .config
PERF_TYPE_SOFTWARE: Final = 1
PERF_TYPE_TRACEPOINT: Final = 2
PERF_COUNT_SW_CPU_CLOCK: Final = 0
PERF_ATTR_DISABLED: Final = 1  # bit 0 of the flags word
_PERF_ATTR_SIZE: Final = 112  # PERF_ATTR_SIZE_VER5: everything up to sample_max_stack
_PERF_FLAG_FD_CLOEXEC: Final = 8
PERF_IOC_ENABLE: Final = 0x2400
PERF_IOC_SET_BPF: Final = 0x40042408

EPERM, ENOENT, ESRCH, EACCES, EINVAL, ENOSPC, E2BIG, ENOEXEC = 1, 2, 3, 13, 22, 28, 7, 8
ENOTSUPP: Final = 524  # in-kernel value that leaks out of LINK_CREATE


class KernelError(OSError):
    """A refused bpf(2) or perf_event_open(2) call; `errno` is the kernel's."""


def _fail(what: str) -> KernelError:
    code = ctypes.get_errno()
    text = "operation not supported" if code == ENOTSUPP else os.strerror(code)
    return KernelError(code, f"{what}: {text}")


def bpf(command: int, attr: ctypes.Array[ctypes.c_char], what: str) -> int:
    """bpf(2) with a prepared attribute buffer; returns its result or raises KernelError."""
    result: int = _syscall(_NR_BPF, command, attr, len(attr))
    if result < 0:
        raise _fail(what)
    return result


def address(buffer: object) -> int:
    """Address of a ctypes object; the caller keeps it alive."""
    return ctypes.addressof(buffer)  # type: ignore[arg-type]


def attr_buffer(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(data, len(data))


def _call(command: int, data: bytes, what: str) -> int:
    return bpf(command, attr_buffer(data), what)


def map_create(
    kind: int,
    key_size: int,
    value_size: int,
    max_entries: int,
    *,
    flags: int = 0,
    inner_fd: int = 0,
    name: str = "",
) -> int:
    """File descriptor of a new map."""
    data = struct.pack(
        "<6II16s", kind, key_size, value_size, max_entries, flags, inner_fd, 0, name.encode()[:15]
    )
    return _call(MAP_CREATE, data, "map create")


def map_update(fd: int, key: bytes, value: bytes) -> None:
    key_buffer, value_buffer = attr_buffer(key), attr_buffer(value)
    data = struct.pack("<I4xQQQ", fd, address(key_buffer), address(value_buffer), 0)
    _call(MAP_UPDATE_ELEM, data, "map update")


def map_update_batch(fd: int, keys: bytes, values: bytes, count: int) -> None:
    """Many elements at once; keys and values follow each other without gaps."""
    key_buffer, value_buffer = attr_buffer(keys), attr_buffer(values)
    # in_batch, out_batch, keys, values, count, map_fd, elem_flags, flags
    data = struct.pack(
        "<QQQQIIQQ", 0, 0, address(key_buffer), address(value_buffer), count, fd, 0, 0
    )
    _call(MAP_UPDATE_BATCH, data, "map update")


def map_lookup(fd: int, key: bytes, value_size: int) -> bytes | None:
    """The value (for per-CPU maps all possible CPUs', 8-byte aligned each), None if absent."""
    key_buffer = attr_buffer(key)
    value_buffer = ctypes.create_string_buffer(value_size)
    data = struct.pack("<I4xQQQ", fd, address(key_buffer), address(value_buffer), 0)
    try:
        _call(MAP_LOOKUP_ELEM, data, "map lookup")
    except KernelError as error:
        if error.errno == ENOENT:
            return None
        raise
    return value_buffer.raw


def map_delete(fd: int, key: bytes) -> bool:
    """True when the key was there."""
    key_buffer = attr_buffer(key)
    data = struct.pack("<I4xQQQ", fd, address(key_buffer), 0, 0)
    try:
        _call(MAP_DELETE_ELEM, data, "map delete")
    except KernelError as error:
        if error.errno == ENOENT:
            return False
        raise
    return True


def map_next_key(fd: int, key: bytes | None, key_size: int) -> bytes | None:
    """The key after `key` (the first one for None), None at the end."""
    key_buffer = None if key is None else attr_buffer(key)
    out = ctypes.create_string_buffer(key_size)
    start = 0 if key_buffer is None else address(key_buffer)
    data = struct.pack("<I4xQQQ", fd, start, address(out), 0)
    try:
        _call(MAP_GET_NEXT_KEY, data, "map next key")
    except KernelError as error:
        if error.errno == ENOENT:
            return None
        raise
    return out.raw


class MapInfo:
    """Type, key and value size and capacity of a map (struct bpf_map_info)."""

    __slots__ = ("key_size", "kind", "max_entries", "value_size")

    def __init__(self, fd: int) -> None:
        info = _object_info(fd, 32)
        self.kind, _, self.key_size, self.value_size, self.max_entries = struct.unpack_from(
            "<5I", info
        )


def _object_info(fd: int, size: int) -> bytes:
    info = ctypes.create_string_buffer(size)
    _call(OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", fd, size, address(info)), "object info")
    return info.raw


def program_misses(fd: int) -> int:
    """Runs the kernel skipped as nested (bpf_prog_info.recursion_misses, offset 208)."""
    misses: int = struct.unpack_from("<Q", _object_info(fd, 216), 208)[0]
    return misses


def test_run(fd: int, context_size: int = 64) -> int:
    """Run a `syscall` program once on this CPU with a zeroed context; its return value."""
    context = ctypes.create_string_buffer(context_size)
    # prog_fd … duration at 0-39, ctx_size_in at 40, ctx_in at 48, flags, cpu, batch_size.
    data = bytearray(80)
    struct.pack_into("<I", data, 0, fd)
    struct.pack_into("<I4xQ", data, 40, context_size, address(context))
    attr = attr_buffer(bytes(data))
    bpf(PROG_TEST_RUN, attr, "program run")
    result: int = struct.unpack_from("<I", attr.raw, 4)[0]
    return result


def raw_tracepoint_open(name: str, program: int, cookie: int) -> int:
    """Link of a raw tracepoint program.

    A cookie needs Linux 6.10; a zero one is left out, which older kernels accept.
    """
    text = attr_buffer(name.encode() + b"\0")
    data = struct.pack("<QI4x", address(text), program)
    if cookie:
        data += struct.pack("<Q", cookie)
    return _call(RAW_TRACEPOINT_OPEN, data, "raw tracepoint open")


def link_tracing(program: int, attach_type: int, cookie: int) -> int:
    """Link of a tp_btf, fentry or fexit program to the target it was loaded for."""
    data = struct.pack("<IIIII4xQ", program, 0, attach_type, 0, 0, cookie)
    return _call(LINK_CREATE, data, "link create")


def link_perf_event(program: int, event: int, cookie: int) -> int:
    """Link of a program to a perf event; it keeps the event alive on its own."""
    data = struct.pack("<IIIIQ", program, event, PERF_EVENT, 0, cookie)
    return _call(LINK_CREATE, data, "link create")


def link_kprobe_multi(
    program: int, names: tuple[str, ...], cookies: tuple[int, ...], *, returns: bool
) -> int:
    """One link of a program to many kernel functions, each with its cookie."""
    count = len(names)
    symbols = (ctypes.c_char_p * count)(*(name.encode() for name in names))
    values = (ctypes.c_uint64 * count)(*cookies)
    data = struct.pack(
        "<IIIIIIQQQ", program, 0, TRACE_KPROBE_MULTI, 0,
        KPROBE_MULTI_RETURN if returns else 0, count,
        address(symbols), 0, address(values),
    )  # fmt: skip
    return _call(LINK_CREATE, data, "link create")


def link_uprobe_multi(
    program: int,
    path: str,
    pid: int,
    places: Sequence[tuple[int, int, int]],
    *,
    returns: bool,
) -> int:
    """One link of a program to many instructions of a file, for one process or (0) for all.

    A place is (offset in the file, offset of its semaphore or 0, cookie).
    """
    count = len(places)
    columns = [(ctypes.c_uint64 * count)(*column) for column in zip(*places, strict=True)]
    offsets, semaphores, cookies = columns
    # A symbolic link of /proc (map_files, root) is followed by the kernel as well.
    text = attr_buffer(os.fsencode(path) + b"\0")
    data = struct.pack(
        "<IIIIQQQQIII4x", program, 0, TRACE_UPROBE_MULTI, 0,
        address(text), address(offsets),
        address(semaphores) if any(semaphores) else 0, address(cookies),
        count, UPROBE_MULTI_RETURN if returns else 0, pid,
    )  # fmt: skip
    return _call(LINK_CREATE, data, "link create")


def perf_event_open(
    kind: int,
    config: int,
    *,
    cpu: int,
    pid: int = -1,
    period: int = 0,
    flags: int = 0,
    config1: int = 0,
    config2: int = 0,
) -> int:
    """An event on one CPU (-1 any) and in one process (-1 any).

    `period` is events or, for clocks, nanoseconds.
    """
    data = bytearray(_PERF_ATTR_SIZE)
    struct.pack_into("<IIQQ", data, 0, kind, _PERF_ATTR_SIZE, config, period)
    struct.pack_into("<QI4xQQ", data, 40, flags, 1, config1, config2)
    attr = attr_buffer(bytes(data))
    fd: int = _syscall(_NR_PERF_EVENT_OPEN, attr, pid, cpu, -1, _PERF_FLAG_FD_CLOEXEC)
    if fd < 0:
        raise _fail("perf event open")
    return fd


def perf_event_ioctl(fd: int, request: int, argument: int) -> None:
    if _ioctl(fd, ctypes.c_ulong(request), ctypes.c_ulong(argument)) < 0:
        raise _fail("perf event ioctl")


_SENTENCES: Final = {
    EPERM: "the kernel does not permit it (CAP_BPF and CAP_PERFMON are held; a lockdown or "
    "security policy may forbid it even then, and some probes take CAP_SYS_ADMIN)",
    EACCES: "permission denied (run as root or with CAP_BPF and CAP_PERFMON)",
    ENOENT: "it does not exist on this kernel",
    ESRCH: "the kernel cannot find it",
    EINVAL: "the kernel does not accept it",
    ENOSPC: "no room is left",
    E2BIG: "it is too big, or this kernel is too old for it",
    12: "there is not enough memory",
    16: "it is in use",
    24: "too many files are open (raise `ulimit -n`)",
    38: "this kernel was built without it",
    95: "this kernel does not support it",
    99: "the place cannot be probed",
    ENOTSUPP: "this kernel was built without support for it",
}


def explain(code: int) -> str:
    """What an errno means for tracing, as the end of a sentence."""
    if code in (EPERM, EACCES):
        from dscript.kernel.features import missing_capabilities

        missing = [c for c in missing_capabilities() if c in ("CAP_BPF", "CAP_PERFMON")]
        if missing:
            return f"the kernel does not permit it: it takes {' and '.join(missing)}"
    return _SENTENCES.get(code) or os.strerror(code).lower()


def possible_cpus() -> int:
    """Length of a per-CPU value: possible CPU numbers are 0 … this - 1."""
    return cpu_list("possible")[-1] + 1
