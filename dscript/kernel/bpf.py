"""The few calls of bpf(2) and perf_event_open(2) that finding out what a kernel can do needs.

Numbers and structures: include/uapi/linux/bpf.h and perf_event.h.  Every function returns a
descriptor, or a negative errno.
"""

from __future__ import annotations

import ctypes
import os
import struct

_BPF, _PERF_EVENT_OPEN = {
    "aarch64": (280, 241),
}.get(os.uname().machine, (321, 298))

_MAP_CREATE, _PROG_LOAD, _RAW_TRACEPOINT_OPEN, _LINK_CREATE = 0, 5, 17, 28
_ATTR_SIZE = 168
_LOG_SIZE = 4096

MAP_RINGBUF = 27
MAP_TASK_STORAGE = 29
PROG_KPROBE, PROG_TRACEPOINT, PROG_PERF_EVENT = 2, 5, 7
PROG_RAW_TRACEPOINT, PROG_TRACING, PROG_SYSCALL = 17, 26, 31
TRACE_RAW_TP, TRACE_FENTRY, TRACE_FEXIT = 23, 24, 25
KPROBE_MULTI, UPROBE_MULTI = 42, 48
FLAG_SLEEPABLE = 1 << 4

# r0 = 0; exit
RETURN_ZERO = struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.syscall.argtypes = [ctypes.c_long] * 6


def call_helper(number: int) -> bytes:
    """A program that calls a helper without setting its arguments."""
    return struct.pack("<BBhi", 0x85, 0, 0, number) + RETURN_ZERO


def map_create(kind: int, key_size: int, value_size: int, entries: int) -> int:
    return _bpf(_MAP_CREATE, struct.pack("<IIIII", kind, key_size, value_size, entries, 0))


def prog_load(
    kind: int,
    instructions: bytes = RETURN_ZERO,
    *,
    attach_type: int = 0,
    btf_id: int = 0,
    flags: int = 0,
) -> tuple[int, str]:
    """(descriptor or -errno, verifier log)."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    text = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(_LOG_SIZE)
    head = struct.pack(
        "<IIQQIIQII",
        kind,
        len(instructions) // 8,
        ctypes.addressof(code),
        ctypes.addressof(text),
        1,
        _LOG_SIZE,
        ctypes.addressof(log),
        0,  # kern_version
        flags,
    )
    # prog_name, prog_ifindex, expected_attach_type, then BTF fields up to attach_btf_id
    head += b"\0" * 16 + struct.pack("<II", 0, attach_type)
    head += struct.pack("<IIQIIQII", 0, 0, 0, 0, 0, 0, 0, btf_id)
    result = _bpf(_PROG_LOAD, head)
    return result, log.value.decode(errors="replace")


def raw_tracepoint_open(prog: int, name: str | None = None) -> int:
    """Attach a raw tracepoint program; without name, a tracing program where its BTF ID says."""
    text = ctypes.create_string_buffer((name or "").encode())
    address = ctypes.addressof(text) if name is not None else 0
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("<QI", address, prog))


def link_kprobe_multi(prog: int, symbol: str, returns: bool = False) -> int:
    text = ctypes.c_char_p(symbol.encode())
    head = struct.pack("<IIII", prog, 0, KPROBE_MULTI, 0)
    tail = struct.pack("<IIQQQ", int(returns), 1, ctypes.addressof(text), 0, 0)
    return _bpf(_LINK_CREATE, head + tail)


def link_uprobe_multi(prog: int, path: str, offset: int) -> int:
    name = ctypes.create_string_buffer(path.encode())
    place = ctypes.c_ulong(offset)
    head = struct.pack("<IIII", prog, 0, UPROBE_MULTI, 0)
    tail = struct.pack("<QQQQIII", ctypes.addressof(name), ctypes.addressof(place), 0, 0, 1, 0, 0)
    return _bpf(_LINK_CREATE, head + tail)


def perf_event_open(kind: int, config: int, *, config1: int = 0, period: int = 0) -> int:
    """A disabled event on CPU 0; `config1` is an address for the kprobe PMU."""
    size = 128
    attributes = struct.pack("<IIQQQQQIIQQ", kind, size, config, period, 0, 0, 1, 0, 0, config1, 0)
    buffer = ctypes.create_string_buffer(attributes, size)
    result = _libc.syscall(_PERF_EVENT_OPEN, ctypes.addressof(buffer), -1, 0, -1, 8)
    return int(result) if result >= 0 else -ctypes.get_errno()


def perf_kprobe(function: str) -> int:
    """A perf event on a kernel function; -ENOENT when the kernel has no kprobes."""
    try:
        with open("/sys/bus/event_source/devices/kprobe/type", encoding="ascii") as file:
            kind = int(file.read())
    except (OSError, ValueError):
        return -2
    name = ctypes.create_string_buffer(function.encode())
    return perf_event_open(kind, 0, config1=ctypes.addressof(name))


def close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, _ATTR_SIZE)
    result = _libc.syscall(_BPF, command, ctypes.addressof(buffer), _ATTR_SIZE, 0, 0)
    return int(result) if result >= 0 else -ctypes.get_errno()
